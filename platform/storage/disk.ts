/**
 * Storage in a folder. A file is written under `.staging/` first, flushed, and renamed to the path of its key; the
 * folder is flushed after the rename.
 *
 * Crash story: before the rename there is only a file in `.staging/`, which the next sweep removes when it has not
 * been written to for an hour; after it the file is whole under its key. Two writers of one key both rename a whole
 * file; the last one stays.
 */
import {
  copyFile,
  type FileHandle,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { segmentsOf } from "./key.ts";
import {
  type StagedFile,
  type Storage,
  StorageLimitError,
  type StoredEntry,
  type StoredFile,
} from "./storage.ts";

const STAGING = ".staging";
const FOLDER_TRIES = 5;
const LEFTOVER_AGE_MS = 60 * 60 * 1000;

function missing(error: unknown): boolean {
  const code = (error as { code?: string }).code;
  return code === "ENOENT" || code === "ENOTDIR";
}

async function nullIfMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (missing(error)) return null;
    throw error;
  }
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export class DiskStorage implements Storage {
  private readonly staging: string;
  private sweptAt = 0;

  constructor(private readonly root: string) {
    this.staging = join(root, STAGING);
  }

  async stage(bytes: AsyncIterable<Uint8Array>, options: { maxBytes: number }): Promise<StagedFile> {
    const path = await this.stagingPath();
    try {
      const received = await receive(path, bytes, options.maxBytes);
      return {
        ...received,
        blob: Bun.file(path),
        keep: key => this.moveIn(path, key),
        discard: () => rm(path, { force: true }),
      };
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  async moveIn(path: string, key: string): Promise<void> {
    const target = this.pathOf(key);
    await flush(path);
    for (let left = FOLDER_TRIES; ; left--) {
      try {
        await this.makeFolder(dirname(target));
        await this.rename(path, target);
        break;
      } catch (error) {
        // The folder was empty, and went with its last file (`remove`) before ours was in it.
        if (left === 0 || !missing(error) || !(await nullIfMissing(stat(path)))) throw error;
      }
    }
    // Gone again already when somebody has removed the file meanwhile.
    await nullIfMissing(flush(dirname(target)));
  }

  private async rename(path: string, target: string): Promise<void> {
    try {
      await rename(path, target);
    } catch (error) {
      if ((error as { code?: string }).code !== "EXDEV") throw error;
      await this.copyIn(path, target);
    }
  }

  async open(key: string): Promise<StoredFile | null> {
    const path = this.pathOf(key);
    const found = await nullIfMissing(stat(path));
    if (!found?.isFile()) return null;
    return { bytes: found.size, modifiedAt: found.mtime, blob: Bun.file(path) };
  }

  async withLocalFile<T>(key: string, use: (path: string) => Promise<T>): Promise<T | null> {
    return (await this.open(key)) ? use(this.pathOf(key)) : null;
  }

  async withScratch<T>(use: (dir: string) => Promise<T>): Promise<T> {
    const dir = await this.stagingPath();
    await mkdir(dir);
    try {
      return await use(dir);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }

  async remove(key: string): Promise<boolean> {
    const path = this.pathOf(key);
    const removed = (await nullIfMissing(rm(path).then(() => true))) ?? false;
    // The folder goes with its last file; it stays, and that is as well, when somebody has put another file there.
    if (removed && dirname(path) !== this.root) await rmdir(dirname(path)).catch(() => {});
    return removed;
  }

  async *list(prefix?: string): AsyncIterable<StoredEntry> {
    const at = prefix ? segmentsOf(prefix).join("/") : "";
    const entries = await nullIfMissing(readdir(join(this.root, at), { withFileTypes: true }));
    for (const entry of entries ?? []) {
      const key = at ? `${at}/${entry.name}` : entry.name;
      if (entry.name.startsWith(".")) continue;
      if (entry.isDirectory()) yield* this.list(key);
      else yield* this.entry(key);
    }
  }

  async sweep(olderThanMs: number): Promise<number> {
    let removed = 0;
    for (const name of (await nullIfMissing(readdir(this.staging))) ?? []) {
      const path = join(this.staging, name);
      const found = await nullIfMissing(stat(path));
      if (!found || Date.now() - found.mtimeMs < olderThanMs) continue;
      await rm(path, { recursive: true, force: true });
      removed++;
    }
    return removed;
  }

  /** Writes, because a full or read-only disk can be read. */
  async probe(): Promise<void> {
    await mkdir(this.root, { recursive: true });
    const file = join(this.root, `.probe-${process.pid}`);
    await writeFile(file, "probe");
    await rm(file, { force: true });
  }

  private async *entry(key: string): AsyncIterable<StoredEntry> {
    const found = await nullIfMissing(stat(this.pathOf(key)));
    if (found) yield { key, bytes: found.size, modifiedAt: found.mtime };
  }

  private pathOf(key: string): string {
    return join(this.root, ...segmentsOf(key));
  }

  /** Makes a folder whose entry, like those of new folders above it, survives power loss. */
  private async makeFolder(path: string): Promise<void> {
    const topmost = await mkdir(path, { recursive: true });
    if (!topmost) return;
    for (let made = path; made.length >= topmost.length; made = dirname(made)) await flush(dirname(made));
  }

  /** A fresh path in the staging folder; clears leftovers of crashes away once an hour. */
  private async stagingPath(): Promise<string> {
    await mkdir(this.staging, { recursive: true });
    if (Date.now() - this.sweptAt > LEFTOVER_AGE_MS) {
      this.sweptAt = Date.now();
      await this.sweep(LEFTOVER_AGE_MS);
    }
    return join(this.staging, Bun.randomUUIDv7());
  }

  /** From another file system: copied beside the target's, so that the last step is a rename again. */
  private async copyIn(path: string, target: string): Promise<void> {
    const staged = await this.stagingPath();
    await copyFile(path, staged);
    await flush(staged);
    await rename(staged, target);
    await rm(path);
  }
}

async function receive(path: string, bytes: AsyncIterable<Uint8Array>, maxBytes: number) {
  const handle = await open(path, "wx", 0o644);
  try {
    return await copy(handle, bytes, maxBytes);
  } finally {
    await handle.close();
  }
}

async function copy(handle: FileHandle, bytes: AsyncIterable<Uint8Array>, maxBytes: number) {
  const hash = new Bun.CryptoHasher("sha256");
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > maxBytes) throw new StorageLimitError(maxBytes);
    hash.update(chunk);
    for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten;
  }
  return { bytes: size, sha256: hash.digest("hex") };
}
