/**
 * The log files of all children: what they write is shown on our standard output, and no file grows without bound.
 *
 * Children write to files themselves (see process.ts), opened for appending; this looks at their size ten times a
 * second, prints what is new in whole lines, and empties a file that is too large after copying it to `<name>.1`.
 * Lines that are written between the copy and the emptying are lost to the file; they are rare and were never promised.
 */
import { closeSync, copyFileSync, fstatSync, openSync, readSync, truncateSync } from "node:fs";
import { join } from "node:path";

const LOOK_MS = 100;
const MAX_FILE_BYTES = 20 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;

export type LogFiles = {
  /** Shows a file from its present end on. Files of foreign servers are bounded but not shown. */
  follow(name: string, options: { shown: boolean }): void;
  /** Prints what is left and stops looking. */
  close(): void;
};

type Followed = { path: string; shown: boolean; offset: number; rest: string };

export function followLogs(dir: string, print: (lines: string) => void): LogFiles {
  const files = new Map<string, Followed>();
  const lookAtAll = () => {
    for (const file of files.values()) {
      try {
        look(file, print);
      } catch {
        // The file was removed, or the disk is full: the next look may succeed.
      }
    }
  };
  const timer = setInterval(lookAtAll, LOOK_MS);
  return {
    follow(name, { shown }) {
      if (files.has(name)) return;
      const path = join(dir, `${name}.log`);
      files.set(name, { path, shown, offset: sizeOf(path), rest: "" });
    },
    close() {
      clearInterval(timer);
      lookAtAll();
    },
  };
}

function sizeOf(path: string): number {
  const fd = openSync(path, "a+", 0o600);
  try {
    return fstatSync(fd).size;
  } finally {
    closeSync(fd);
  }
}

function look(file: Followed, print: (lines: string) => void): void {
  const fd = openSync(file.path, "r");
  try {
    const { size } = fstatSync(fd);
    if (size < file.offset) file.offset = 0;
    if (file.shown) printNew(fd, file, size, print);
    else file.offset = size;
    if (size > MAX_FILE_BYTES && file.offset >= size) {
      copyFileSync(file.path, `${file.path}.1`);
      truncateSync(file.path);
      file.offset = 0;
    }
  } finally {
    closeSync(fd);
  }
}

function printNew(fd: number, file: Followed, size: number, print: (lines: string) => void): void {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(0, size - file.offset)));
  while (file.offset < size) {
    const read = readSync(fd, buffer, 0, Math.min(buffer.length, size - file.offset), file.offset);
    if (read === 0) return;
    file.offset += read;
    const text = file.rest + buffer.toString("utf8", 0, read);
    const end = text.lastIndexOf("\n") + 1;
    file.rest = text.slice(end);
    if (end > 0) print(text.slice(0, end));
  }
}
