import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { convertAsset, receiveFile, uploadFiles } from "../../../../media/index.ts";
import { createMetrics } from "../../../../platform/metrics.ts";
import { openStorage } from "../../../../platform/storage/index.ts";
import { startTestS3, type TestS3 } from "../../../../platform/testing/index.ts";
import { createApp } from "../../app.ts";
import { type TestApi, testApi } from "../../testing.ts";

const settingsOf = (at: TestS3) => ({
  s3Endpoint: at.endpoint,
  s3Bucket: at.bucket(),
  s3AccessKeyId: at.accessKeyId,
  s3SecretAccessKey: at.secretAccessKey,
  s3Region: at.region,
});

let s3: TestS3;
let api: TestApi;
let mediaDir = "";
const servers: ReturnType<typeof Bun.serve>[] = [];
let urls = { proxy: "", redirect: "" };
let path = "";
let bytes = 0;

beforeAll(async () => {
  mediaDir = await mkdtemp(join(tmpdir(), "tradewind-bucket-"));
  s3 = await startTestS3();
  api = await testApi({ config: { mediaDir, ...settingsOf(s3) } });
  const storage = openStorage(api.deps.config);
  const image = sharp({ create: { width: 900, height: 600, channels: 3, background: "red" } });
  const body = new Blob([new Uint8Array(await image.png().toBuffer())]).stream();
  const received = await receiveFile(storage, body, { maxBytes: 1_000_000 });
  const origin = { storeId: api.store.id };
  const [uploaded] = await uploadFiles(api.sql, origin, [received]);
  await convertAsset({ sql: api.sql, storage }, origin, uploaded!.id, { attempt: 1 });
  const [file] = await api.sql<{ key: string; bytes: number }[]>`
    SELECT storage_key AS key, bytes::int FROM media.variant WHERE name = '800' AND format = 'webp'`;
  path = `/media/${file!.key.split("/").at(-1)}`;
  bytes = file!.bytes;
  const redirecting = { ...api.deps, config: { ...api.deps.config, mediaDelivery: "redirect" as const } };
  const serve = (app: { fetch(request: Request): Response | Promise<Response> }) => {
    const server = Bun.serve({ port: 0, fetch: request => app.fetch(request) });
    servers.push(server);
    return `http://localhost:${server.port}`;
  };
  urls = {
    proxy: serve(api.app),
    redirect: serve(createApp({ ...redirecting, metrics: createMetrics("redirect") })),
  };
});
afterAll(async () => {
  await Promise.all(servers.map(server => server.stop(true)));
  await Promise.all([api.close(), s3.close(), rm(mediaDir, { recursive: true })]);
});

test("a picture in a bucket goes through the node, with its length, ranges and conditions", async () => {
  const whole = await fetch(urls.proxy + path);
  expect([whole.status, whole.headers.get("content-length")]).toEqual([200, String(bytes)]);
  expect(whole.headers.get("content-type")).toBe("image/webp");
  const all = Buffer.from(await whole.arrayBuffer());
  expect(all.length).toBe(bytes);
  const part = await fetch(urls.proxy + path, { headers: { range: "bytes=5-24" } });
  expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 5-24/${bytes}`]);
  expect(Buffer.from(await part.arrayBuffer())).toEqual(all.subarray(5, 25));
  const etag = whole.headers.get("etag")!;
  expect((await fetch(urls.proxy + path, { headers: { "if-none-match": etag } })).status).toBe(304);
  const head = await fetch(urls.proxy + path, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length")]).toEqual([200, String(bytes)]);
});

test("or the browser is sent to the bucket, where the URL is good for a while", async () => {
  const answer = await fetch(urls.redirect + path, { redirect: "manual" });
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([302, "public, max-age=600"]);
  const there = await fetch(answer.headers.get("location")!);
  expect([there.status, there.headers.get("content-type")]).toEqual([200, "image/webp"]);
  expect((await there.arrayBuffer()).byteLength).toBe(bytes);
});
