/**
 * Storage in a bucket of an S3-compatible service, by Bun's client. An object is visible whole or not at all, so there is
 * nothing to rename: what comes in is spooled to a local folder (its key holds its hash, which is known at the end only),
 * and `keep` uploads it, in parts when it is large.
 *
 * Crash story: before `keep` there is only a file in the local spool, which a later sweep removes; in the middle of it
 * nothing is visible, and the parts of an unfinished upload are the bucket's to drop (a lifecycle rule for incomplete
 * multipart uploads; docs/operations.md); after it the object is there, and the file in the spool goes as before.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { S3Client, type S3File } from "bun";
import { DiskStorage } from "./disk.ts";
import { segmentsOf } from "./key.ts";
import { type PostBounds, type PostForm, signForm } from "./post-policy.ts";
import { type StagedFile, type Storage, StorageAway, type StoredEntry, type StoredFile } from "./storage.ts";

export type S3Options = {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  /** Local folder for what comes in and for what decoders read and write. */
  readonly spool: string;
};

/** Two parts are in memory at once. */
const upload = { partSize: 5 * 2 ** 20, queueSize: 2, retry: 3 } as const;

/** What a bucket that is shown to the world may say of an object; whatever else lies there can't run in a browser. */
const types: Readonly<Record<string, string>> = {
  avif: "image/avif",
  jpg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
};

function typeOf(key: string): string {
  return types[key.slice(key.lastIndexOf(".") + 1)] ?? "application/octet-stream";
}

async function nullIfMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "NoSuchKey" || code === "NotFound" || code === "ENOENT") return null;
    throw error;
  }
}

export class S3Storage implements Storage {
  private readonly client: S3Client;
  private readonly spool: DiskStorage;

  constructor(private readonly options: S3Options) {
    const { spool, ...client } = options;
    this.client = new S3Client(client);
    this.spool = new DiskStorage(spool);
  }

  async stage(bytes: AsyncIterable<Uint8Array>, options: { maxBytes: number }): Promise<StagedFile> {
    const staged = await this.spool.stage(bytes, options);
    const keep = async (key: string) => {
      await this.put(key, staged.blob);
      await staged.discard();
    };
    return { ...staged, keep };
  }

  async moveIn(path: string, key: string): Promise<void> {
    await this.put(key, Bun.file(path));
    await rm(path);
  }

  async open(key: string): Promise<StoredFile | null> {
    const file = this.file(key);
    const found = await nullIfMissing(file.stat());
    const signedUrl = (seconds: number) => file.presign({ expiresIn: seconds });
    return found && { bytes: found.size, modifiedAt: found.lastModified, blob: file, signedUrl };
  }

  async withLocalFile<T>(key: string, use: (path: string) => Promise<T>): Promise<T | null> {
    const file = this.file(key);
    return this.withScratch(async dir => {
      const path = join(dir, "file");
      const found = await nullIfMissing(download(file, path).then(() => true));
      return found ? use(path) : null;
    });
  }

  withScratch<T>(use: (dir: string) => Promise<T>): Promise<T> {
    return this.spool.withScratch(use);
  }

  async remove(key: string): Promise<boolean> {
    // The service says the same of what was there and what was not.
    if (!(await this.open(key))) return false;
    await this.file(key).delete();
    return true;
  }

  async *list(prefix?: string): AsyncIterable<StoredEntry> {
    const within = prefix ? `${segmentsOf(prefix).join("/")}/` : undefined;
    for (let continuationToken: string | undefined; ; ) {
      const page = await this.client.list({
        ...(within && { prefix: within }),
        ...(continuationToken && { continuationToken }),
      });
      for (const { key, size, lastModified } of page.contents ?? []) {
        yield { key, bytes: size ?? 0, modifiedAt: new Date(lastModified ?? 0) };
      }
      if (!page.isTruncated || !page.nextContinuationToken) return;
      continuationToken = page.nextContinuationToken;
    }
  }

  sweep(olderThanMs: number): Promise<number> {
    return this.spool.sweep(olderThanMs);
  }

  async probe(): Promise<void> {
    await Promise.all([this.client.list({ maxKeys: 1 }), this.spool.probe()]);
  }

  /** A form with which a client puts one object under `key` by itself. */
  postForm(bounds: PostBounds, now = new Date()): PostForm {
    return signForm(this.options, { ...bounds, key: segmentsOf(bounds.key).join("/") }, now);
  }

  private file(key: string): S3File {
    return this.client.file(segmentsOf(key).join("/"));
  }

  /** @throws StorageAway */
  private async put(key: string, blob: Blob): Promise<void> {
    await this.answered(this.file(key).write(blob, { ...upload, type: typeOf(key) }));
  }

  /**
   * Bun's client waits for minutes where a service, or the network before it, says nothing. A large upload may take its time;
   * so what has not ended after a second goes on as long as the bucket answers another question.
   */
  private async answered<T>(work: Promise<T>): Promise<T> {
    const ended = work.catch(error => {
      throw isAway(error) ? new StorageAway({ cause: error }) : error;
    });
    while (!(await within(ended, PATIENCE_MS))) {
      if (!(await within(Promise.race([ended, this.client.list({ maxKeys: 1 })]), SIGN_MS)))
        throw new StorageAway();
    }
    return ended;
  }
}

const PATIENCE_MS = 1_000;
const SIGN_MS = 800;

const isAway = (error: unknown) =>
  /^(?:Connection\w+|ECONN\w+|FailedToOpenSocket|ETIMEDOUT)$/.test(
    String((error as { code?: unknown })?.code),
  );

/** Whether it is settled within the time. */
async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  const over = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => over.resolve(false), ms);
  const settled = () => true;
  return Promise.race([work.then(settled, settled), over.promise]).finally(() => clearTimeout(timer));
}

/** Chunk by chunk; an object may be larger than the memory that a worker should take. */
async function download(file: S3File, path: string): Promise<void> {
  const writer = Bun.file(path).writer();
  try {
    for await (const chunk of file.stream()) {
      writer.write(chunk);
      await writer.flush();
    }
  } finally {
    await writer.end();
  }
}
