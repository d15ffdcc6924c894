import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../config.ts";
import { startTestS3, type TestS3 } from "../testing/index.ts";
import { storageContract } from "./contract.ts";
import { DiskStorage } from "./disk.ts";
import { moveFiles, openStorage, S3Storage } from "./index.ts";

let server: TestS3;
const spools: string[] = [];

beforeAll(async () => {
  server = await startTestS3();
});
afterAll(async () => {
  await server.close();
  await Promise.all(spools.map(spool => rm(spool, { recursive: true })));
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "tradewind-s3-spool-"));
  spools.push(path);
  return path;
}

async function bucket() {
  const spool = await folder();
  const options = { ...server, bucket: server.bucket(), spool };
  const leftovers = () => readdir(join(spool, ".staging")).then(names => names.length);
  return { storage: new S3Storage(options), leftovers, options };
}

describe("storage in a bucket", () => {
  storageContract(bucket);

  test("takes a file of many parts, and gives its ranges", async () => {
    const { storage, leftovers } = await bucket();
    const part = (i: number) => Buffer.alloc(2 ** 20, i);
    const chunks = async function* () {
      for (let i = 0; i < 13; i++) yield part(i) as Uint8Array;
    };
    const staged = await storage.stage(chunks(), { maxBytes: 2 ** 24 });
    await staged.keep("large");
    const file = (await storage.open("large"))!;
    expect(file.bytes).toBe(13 * 2 ** 20);
    const range = new Uint8Array(await file.blob.slice(7 * 2 ** 20 - 1, 7 * 2 ** 20 + 1).arrayBuffer());
    expect([...range]).toEqual([6, 7]);
    const hash = await storage.withLocalFile("large", async path => {
      return new Bun.CryptoHasher("sha256").update(await Bun.file(path).bytes()).digest("hex");
    });
    expect(hash).toBe(staged.sha256);
    expect(await leftovers()).toBe(0);
  });

  test("lists more than a page, and says what an object may be opened as", async () => {
    const { storage, options } = await bucket();
    const put = async (key: string) =>
      (await storage.stage(new Blob(["x"]).stream(), { maxBytes: 9 })).keep(key);
    // Not all at once: that is more than the small server bears.
    const names = Array.from({ length: 1_005 }, (_, i) => `many/${i}`);
    while (names.length > 0) await Promise.all(names.splice(0, 15).map(put));
    expect((await Array.fromAsync(storage.list("many"))).length).toBe(1_005);
    await put("variant/a.webp");
    await put("original/a.html");
    const client = new Bun.S3Client(options);
    expect((await client.stat("variant/a.webp")).type).toBe("image/webp");
    expect((await client.stat("original/a.html")).type).toBe("application/octet-stream");
  });

  test("is away when the bucket is, and loses nothing that waits", async () => {
    const { storage, options } = await bucket();
    await storage.probe();
    const away = new S3Storage({ ...options, endpoint: "http://127.0.0.1:1" });
    expect(await away.probe().catch(() => "away")).toBe("away");
    const staged = await away.stage(new Blob(["x"]).stream(), { maxBytes: 9 });
    expect(await staged.keep("x").catch(() => "away")).toBe("away");
    expect(await staged.blob.text()).toBe("x");
    await staged.discard();
  });

  test("is used when it is configured whole, and refused when half", async () => {
    const { options } = await bucket();
    const { endpoint, bucket: name, accessKeyId, secretAccessKey, spool } = options;
    const half = {
      home: "",
      mediaDir: spool,
      s3Endpoint: endpoint,
      s3Bucket: name,
      s3AccessKeyId: accessKeyId,
    };
    expect(openStorage({ ...half, s3SecretAccessKey: secretAccessKey })).toBeInstanceOf(S3Storage);
    expect(openStorage({ home: spool })).toBeInstanceOf(DiskStorage);
    expect(() => openStorage(half)).toThrow(ConfigError);
    expect(() => openStorage(half)).toThrow("S3_SECRET_ACCESS_KEY");
  });
});

describe("moving files from a folder to a bucket", () => {
  async function filled(count: number) {
    const disk = new DiskStorage(await folder());
    for (let i = 0; i < count; i++) {
      const staged = await disk.stage(new Blob([`file ${i}`]).stream(), { maxBytes: 99 });
      await staged.keep(`original/${i % 3}/${i}`);
    }
    const { storage } = await bucket();
    return { disk, storage };
  }
  const keys = async (storage: S3Storage | DiskStorage) =>
    (await Array.fromAsync(storage.list())).map(entry => entry.key).sort();

  test("goes on where it was stopped, and copies nothing twice", async () => {
    const { disk, storage } = await filled(40);
    const stop = new AbortController();
    const first = await moveFiles(disk, storage, {
      signal: stop.signal,
      concurrency: 2,
      onProgress: ({ copied }) => copied >= 10 && stop.abort(),
    });
    expect(first.stopped).toBe(true);
    expect(first.copied).toBeLessThan(15);
    const second = await moveFiles(disk, storage);
    expect([second.present, second.copied, second.stopped]).toEqual([first.copied, 40 - first.copied, false]);
    expect(await keys(storage)).toEqual(await keys(disk));
    expect(await (await storage.open("original/1/7"))!.blob.text()).toBe("file 7");
  });

  test("replaces half a copy, removes only what it has read back, and works backwards", async () => {
    const { disk, storage } = await filled(5);
    await (await storage.stage(new Blob(["fil"]).stream(), { maxBytes: 9 })).keep("original/0/0");
    const before = await keys(disk);
    const moved = await moveFiles(disk, storage, { remove: true });
    expect([moved.copied, moved.removed]).toEqual([5, 5]);
    expect(await keys(disk)).toEqual([]);
    await moveFiles(storage, disk);
    expect(await keys(disk)).toEqual(before);
    // Same size, other bytes: neither is thrown away.
    await (await storage.stage(new Blob(["FILE 1"]).stream(), { maxBytes: 9 })).keep("original/1/1");
    expect(moveFiles(disk, storage, { remove: true })).rejects.toThrow("original/1/1 is not the same");
    expect(await (await disk.open("original/1/1"))!.blob.text()).toBe("file 1");
  });
});
