import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { convertAsset } from "../../../../media/index.ts";
import { openStorage } from "../../../../platform/storage/index.ts";
import { startTestS3, type TestS3 } from "../../../../platform/testing/index.ts";
import { type TestApi, testApi } from "../../testing.ts";

let api: TestApi;
let s3: TestS3;
let mediaDir = "";

beforeAll(async () => {
  [mediaDir, s3] = await Promise.all([mkdtemp(join(tmpdir(), "tradewind-direct-")), startTestS3()]);
  const { endpoint, accessKeyId, secretAccessKey } = s3;
  const bucket = {
    s3Endpoint: endpoint,
    s3Bucket: s3.bucket(),
    s3AccessKeyId: accessKeyId,
    s3SecretAccessKey: secretAccessKey,
  };
  api = await testApi({ config: { mediaDir, mediaMaxMb: 1, ...bucket } });
});
afterAll(async () => {
  await Promise.all([api.close(), s3.close(), rm(mediaDir, { recursive: true })]);
});

const post = async (path: string, json: unknown = {}) => {
  const headers = { authorization: `Bearer ${api.keys.secret}`, "content-type": "application/json" };
  const request = new Request(`http://localhost${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(json),
  });
  const response = await api.app.fetch(request);
  return { status: response.status, body: (await response.json()) as Record<string, never> };
};
const ask = (more: object = {}) =>
  post("/admin/media/direct", { bytes: 500_000, contentType: "image/png", ...more });

async function put(
  { url, fields }: { url: string; fields: Record<string, string> },
  bytes: Buffer,
): Promise<number> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", new File([bytes], "photo.png", { type: fields["Content-Type"] ?? "" }));
  return (await fetch(url, { method: "POST", body: form })).status;
}

const picture = (width: number) =>
  sharp({ create: { width, height: 30, channels: 3, background: "#c02020" } })
    .png()
    .toBuffer();

describe("an upload to the bucket itself", () => {
  test("becomes an asset when the client says that the file is there, and is converted out of the bucket", async () => {
    const bytes = await picture(40);
    const form = await ask({ alt: "A cup", filename: "cup.png" });
    expect(form.status).toBe(201);
    const { complete } = form.body as unknown as { complete: string };
    expect((await post(complete)).status).toBe(422);
    expect(await put(form.body as never, bytes)).toBeLessThan(300);
    const done = await post(complete);
    expect([done.status, done.body.status]).toEqual([202, "processing" as never]);
    expect((await post(complete)).body.id).toBe(done.body.id);
    const storage = openStorage(api.deps.config);
    expect(await Array.fromAsync(storage.list("upload"))).toEqual([]);
    const { id } = done.body as unknown as { id: string };
    const origin = { storeId: api.store.id };
    expect(await convertAsset({ sql: api.sql, storage }, origin, id, { attempt: 1 })).toEqual({
      type: "ready",
    });
    const [asset] = await api.sql`SELECT alt, filename, bytes FROM media.asset WHERE id = ${id}`;
    expect(asset).toMatchObject({ alt: "A cup", filename: "cup.png" });
    expect(Number(asset!.bytes)).toBe(bytes.length);
  });

  test("is judged by its content, and removed when it can't be used", async () => {
    const form = await ask();
    const { complete } = form.body as unknown as { complete: string };
    await put(form.body as never, Buffer.from("<html><script>alert(1)</script>".repeat(9)));
    expect(await post(complete)).toMatchObject({ status: 415, body: { code: "unsupported_media_type" } });
    expect((await post(complete)).status).toBe(404);
    expect(await Array.fromAsync(openStorage(api.deps.config).list("upload"))).toEqual([]);
  });

  test("is refused before it begins when it is too large, of another type, or for nothing", async () => {
    expect((await ask({ bytes: 2_000_000 })).status).toBe(413);
    expect((await ask({ contentType: "text/html" })).status).toBe(422);
    expect((await ask({ productId: "prod_00000009" })).status).toBe(422);
    expect((await post("/admin/media/direct/upload_nothing/complete")).status).toBe(404);
  });
});
