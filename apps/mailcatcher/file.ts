/** The form of the file of mails: what stands before each, and how the file is read again. */
import type { FileHandle } from "node:fs/promises";

/** Where a mail lies, and what its line says. */
export type Entry = {
  readonly mail: { id: string; from: string; to: string[]; receivedAt: string };
  readonly at: number;
  readonly length: number;
};

const HEAD_BYTES = 65_536;

export function header(mail: Entry["mail"], length: number): Buffer {
  return Buffer.from(`${JSON.stringify({ ...mail, length })}\n`);
}

/** All whole mails, and where they end: what is behind that was cut off in the middle. */
export async function readEntries(file: FileHandle): Promise<{ entries: Entry[]; end: number }> {
  const { size } = await file.stat();
  const entries: Entry[] = [];
  let end = 0;
  for (let entry = await entryAt(file, 0, size); entry; entry = await entryAt(file, end, size)) {
    entries.push(entry);
    end = entry.at + entry.length + 1;
  }
  return { entries, end };
}

async function entryAt(file: FileHandle, from: number, size: number): Promise<Entry | null> {
  if (from >= size) return null;
  const head = Buffer.alloc(Math.min(HEAD_BYTES, size - from));
  await file.read(head, 0, head.length, from);
  const lineEnd = head.indexOf(0x0a);
  if (lineEnd < 0) return null;
  try {
    const { length, ...mail } = JSON.parse(head.toString("utf8", 0, lineEnd));
    const at = from + lineEnd + 1;
    return at + length + 1 <= size ? { mail, at, length } : null;
  } catch {
    return null;
  }
}
