/**
 * A real S3-compatible server in this process, for tests. Patched in two places to run on Bun (patches/): its continuation
 * tokens used a cipher that Bun has not, and its lists relied on folders being read in order.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import S3rver from "s3rver";
import type { S3Options } from "../storage/index.ts";

export type TestS3 = Omit<S3Options, "spool" | "bucket"> & {
  /** The name of an empty bucket. */
  bucket(): string;
  close(): Promise<void>;
};

const BUCKETS = 30;

export async function startTestS3(): Promise<TestS3> {
  const directory = await mkdtemp(join(tmpdir(), "tradewind-s3-"));
  const buckets = Array.from({ length: BUCKETS }, (_, i) => ({ name: `media-${i}`, configs: [] }));
  const server = new S3rver({
    ...{ port: 0, address: "127.0.0.1", silent: true, directory },
    configureBuckets: buckets,
  });
  const { port } = await server.run();
  let count = 0;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId: "S3RVER",
    secretAccessKey: "S3RVER",
    region: "us-east-1",
    bucket: () => buckets[count++]!.name,
    async close() {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
