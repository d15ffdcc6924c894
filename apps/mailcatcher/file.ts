/** The form of the file of mails: what stands before each, and how the file is read again. */
import type { FileHandle } from "node:fs/promises";

/** What stands before a mail. */
export type Head = { id: string; from: string; to: string[]; receivedAt: string };

const HEAD_BYTES = 65_536;
const LINE_FEED = 0x0a;

export function header(head: Head, length: number): Buffer {
  return Buffer.from(`${JSON.stringify({ ...head, length })}\n`);
}

/** Where each whole mail begins, with what stands before it, and where the last one ends: what is behind was cut off in the middle. */
export async function readStarts(file: FileHandle): Promise<{ starts: number[]; end: number }> {
  const { size } = await file.stat();
  const starts: number[] = [];
  let end = 0;
  for (let next = await endOf(file, 0, size); next !== null; next = await endOf(file, end, size)) {
    starts.push(end);
    end = next;
  }
  return { starts, end };
}

async function endOf(file: FileHandle, from: number, size: number): Promise<number | null> {
  if (from >= size) return null;
  const some = Buffer.alloc(Math.min(HEAD_BYTES, size - from));
  await file.read(some, 0, some.length, from);
  const lineEnd = some.indexOf(LINE_FEED);
  if (lineEnd < 0) return null;
  try {
    const { length } = JSON.parse(some.toString("utf8", 0, lineEnd));
    const end = from + lineEnd + 1 + length + 1;
    return end <= size ? end : null;
  } catch {
    return null;
  }
}

/** A mail between two places of {@link readStarts}. */
export async function readMail(
  file: FileHandle,
  from: number,
  to: number,
): Promise<{ head: Head; raw: Buffer }> {
  const all = Buffer.alloc(to - from);
  await file.read(all, 0, all.length, from);
  const lineEnd = all.indexOf(LINE_FEED);
  const { length, ...head } = JSON.parse(all.toString("utf8", 0, lineEnd));
  return { head, raw: all.subarray(lineEnd + 1, lineEnd + 1 + length) };
}
