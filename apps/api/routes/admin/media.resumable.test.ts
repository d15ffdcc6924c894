/** With the real client of the protocol, over real connections that are cut off. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect as openSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { DetailedError, Upload } from "tus-js-client";
import { createKey, createStore } from "../../../../commerce/stores/index.ts";
import { sweepUploads } from "../../../../media/index.ts";
import { createMetrics } from "../../../../platform/metrics.ts";
import { openStorage } from "../../../../platform/storage/index.ts";
import { until } from "../../../../platform/testing/index.ts";
import { createApp } from "../../app.ts";
import { type TestApi, testApi } from "../../testing.ts";

let api: TestApi;
let mediaDir = "";
let nodes: ReturnType<typeof Bun.serve>[];

beforeAll(async () => {
  mediaDir = await mkdtemp(join(tmpdir(), "tradewind-resumable-"));
  api = await testApi({ config: { mediaDir, mediaMaxMb: 8, mediaStoreGb: 1 } });
  // Two nodes of one shop.
  nodes = [api.app, createApp({ ...api.deps, metrics: createMetrics("other") })].map(app =>
    Bun.serve({ port: 0, maxRequestBodySize: 2 ** 31, fetch: request => app.fetch(request) }),
  );
});
afterAll(async () => {
  await Promise.all(nodes.map(node => node.stop(true)));
  await Promise.all([api.close(), rm(mediaDir, { recursive: true })]);
});

const origin = (node = 0) => `http://localhost:${nodes[node]!.port}`;
const authorization = () => `Bearer ${api.keys.secret}`;
const headers = () => ({ authorization: authorization(), "tus-resumable": "1.0.0" });
const pieces = async () =>
  (await readdir(join(mediaDir, "upload"), { recursive: true }).catch(() => [])).length;

/** A picture of some 3 MB that no other test has. */
async function photo(): Promise<Buffer> {
  const noise = { type: "gaussian" as const, mean: 120, sigma: 40 };
  return sharp({ create: { width: 1_000, height: 1_000, channels: 3, noise, background: "#000" } })
    .png({ compressionLevel: 0 })
    .toBuffer();
}

type Options = {
  node?: number;
  key?: string;
  metadata?: Record<string, string>;
  url?: string;
  onProgress?: (upload: Upload) => void;
};

/** The asset's id, as the last answer tells it. */
function send(bytes: Buffer, { node = 0, key, metadata = {}, url, onProgress }: Options = {}) {
  return new Promise<string>((resolve, reject) => {
    const upload: Upload = new Upload(bytes, {
      endpoint: `${origin(node)}/admin/media/uploads`,
      ...(url ? { uploadUrl: origin(node) + url } : {}),
      headers: { authorization: key ? `Bearer ${key}` : authorization() },
      metadata: { filename: "photo.png", filetype: "image/png", ...metadata },
      chunkSize: 500_000,
      retryDelays: null as unknown as number[],
      onError: reject,
      onSuccess: ({ lastResponse }) => resolve(lastResponse.getHeader("Upload-Asset") ?? "no asset"),
      onChunkComplete: () => onProgress?.(upload),
    });
    upload.start();
  });
}

const refusal = async (sent: Promise<unknown>) => {
  const error = (await sent.catch(thrown => thrown)) as DetailedError;
  expect(error).toBeInstanceOf(DetailedError);
  const response = error.originalResponse!;
  return [response.getStatus(), JSON.parse(response.getBody()).code];
};

const assetOf = async (id: string) => {
  const response = await fetch(`${origin()}/admin/media/${id}`, {
    headers: { authorization: authorization() },
  });
  return (await response.json()) as { sha256: string; alt: string; filename: string; bytes: number };
};
const offsetOf = async (path: string, node = 0) => {
  const response = await fetch(origin(node) + path, { method: "HEAD", headers: headers() });
  return [response.status, Number(response.headers.get("upload-offset"))];
};
async function begin(length: number, metadata = ""): Promise<Response> {
  const more: Record<string, string> = metadata ? { "upload-metadata": metadata } : {};
  return fetch(`${origin()}/admin/media/uploads`, {
    method: "POST",
    headers: { ...headers(), "upload-length": String(length), ...more },
  });
}
const locationOf = (response: Response) => new URL(response.headers.get("location")!, origin()).pathname;

describe("a resumable upload", () => {
  test("arrives piece by piece and is an asset when the last has come", async () => {
    const bytes = await photo();
    const id = await send(bytes, { metadata: { alt: "A cup" } });
    expect(id).toStartWith("asset_");
    const sha256 = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    expect(await assetOf(id)).toMatchObject({
      sha256,
      alt: "A cup",
      filename: "photo.png",
      bytes: bytes.length,
    });
    expect(await pieces()).toBe(0);
    expect(await send(bytes)).toBe(id);
  });

  test("that was given up half-way goes on where it was, at another node", async () => {
    const bytes = await photo();
    let url = "";
    const half = new Promise<void>(resolve => {
      send(bytes, {
        onProgress: upload => {
          if (url) return;
          url = new URL(upload.url!).pathname;
          void upload.abort().then(() => resolve());
        },
      }).catch(() => {});
    });
    await half;
    const [, offset] = await offsetOf(url, 1);
    expect(offset).toBeGreaterThanOrEqual(500_000);
    expect(offset).toBeLessThan(bytes.length);
    const id = await send(bytes, { node: 1, url });
    expect((await assetOf(id)).bytes).toBe(bytes.length);
  });

  test("whose connection dies at 99 % keeps what has come", async () => {
    const bytes = await photo();
    const path = locationOf(await begin(bytes.length));
    const most = Math.floor(bytes.length * 0.99);
    const socket = openSocket(nodes[0]!.port!, "localhost");
    const head = [
      `PATCH ${path} HTTP/1.1`,
      "host: localhost",
      ...Object.entries({
        ...headers(),
        "upload-offset": "0",
        "content-type": "application/offset+octet-stream",
      }).map(([name, value]) => `${name}: ${value}`),
      `content-length: ${bytes.length}`,
    ].join("\r\n");
    socket.write(`${head}\r\n\r\n`);
    socket.write(bytes.subarray(0, most), () => socket.destroy());
    const kept = await until(async () => (await offsetOf(path))[1] || undefined, { what: "the piece" });
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThanOrEqual(most);
    const id = await send(bytes, { url: path });
    expect((await assetOf(id)).bytes).toBe(bytes.length);
    expect(await readdir(join(mediaDir, ".staging"))).toEqual([]);
  });

  test("sent twice at once is one upload", async () => {
    const bytes = await photo();
    const path = locationOf(await begin(bytes.length));
    const patch = (node: number) =>
      fetch(origin(node) + path, {
        method: "PATCH",
        headers: { ...headers(), "upload-offset": "0", "content-type": "application/offset+octet-stream" },
        body: bytes,
      });
    const answers = await Promise.all([patch(0), patch(1)]);
    expect(answers.map(one => one.status).sort()).toEqual([204, 409]);
    const [status, offset] = await offsetOf(path);
    expect([status, offset]).toEqual([200, bytes.length]);
    expect(await pieces()).toBe(0);
  });

  test("that was whole when its node ended is finished by whoever asks", async () => {
    const bytes = await photo();
    const path = locationOf(await begin(bytes.length));
    const piece = { ...headers(), "content-type": "application/offset+octet-stream" };
    await fetch(origin() + path, {
      method: "PATCH",
      headers: { ...piece, "upload-offset": "0" },
      body: bytes.subarray(0, 2_000_000),
    });
    // As a node leaves it that is killed between the last piece and the asset.
    const storage = openStorage(api.deps.config);
    const id = path.split("/").at(-1)!;
    const rest = await storage.stage(new Blob([bytes.subarray(2_000_000)]).stream(), { maxBytes: 1e7 });
    await rest.keep(`upload/${id}/rest`);
    await api.sql`INSERT INTO media.upload_part VALUES (${id}, 2000000, ${rest.bytes}, ${`upload/${id}/rest`})`;
    await api.sql`UPDATE media.upload SET received = bytes WHERE id = ${id}`;
    const head = await fetch(origin() + path, { method: "HEAD", headers: headers() });
    expect((await assetOf(head.headers.get("upload-asset")!)).bytes).toBe(bytes.length);
  });

  test("that is begun again with the same fingerprint goes on, with what is said of the picture now", async () => {
    const bytes = await photo();
    const told = (alt: string) => `fingerprint ${btoa("photo.png 1")},alt ${btoa(alt)}`;
    const path = locationOf(await begin(bytes.length, told("A cup")));
    const first = await fetch(origin() + path, {
      method: "PATCH",
      headers: { ...headers(), "upload-offset": "0", "content-type": "application/offset+octet-stream" },
      body: bytes.subarray(0, 1_000_000),
    });
    expect(first.status).toBe(204);
    expect(locationOf(await begin(bytes.length, told("A red cup")))).toBe(path);
    // Another length or another fingerprint is another file.
    expect(locationOf(await begin(bytes.length + 1, told("A cup")))).not.toBe(path);
    expect(locationOf(await begin(bytes.length, `fingerprint ${btoa("photo.png 2")}`))).not.toBe(path);
    const id = await send(bytes, { url: path });
    expect(await assetOf(id)).toMatchObject({ alt: "A red cup", bytes: bytes.length });
    expect(locationOf(await begin(bytes.length, told("A cup")))).not.toBe(path);
  });

  test("of no picture is refused by its first piece, however much is to come", async () => {
    const path = locationOf(await begin(8_000_000));
    const first = await fetch(origin() + path, {
      method: "PATCH",
      headers: { ...headers(), "upload-offset": "0", "content-type": "application/offset+octet-stream" },
      body: Buffer.from(`MZ${"\0".repeat(1_000)}`),
    });
    expect([first.status, ((await first.json()) as { code: string }).code]).toEqual([
      415,
      "unsupported_media_type",
    ]);
    expect((await offsetOf(path))[0]).toBe(404);
    expect(await pieces()).toBe(0);
  });

  test("whose first piece is too short to tell goes on", async () => {
    const bytes = await photo();
    const path = locationOf(await begin(bytes.length));
    await fetch(origin() + path, {
      method: "PATCH",
      headers: { ...headers(), "upload-offset": "0", "content-type": "application/offset+octet-stream" },
      body: bytes.subarray(0, 3),
    });
    expect(await offsetOf(path)).toEqual([200, 3]);
    expect((await assetOf(await send(bytes, { url: path }))).bytes).toBe(bytes.length);
  });

  test("that several finish at once is one asset, and nobody is told otherwise", async () => {
    const bytes = await photo();
    const path = locationOf(await begin(bytes.length));
    const id = path.split("/").at(-1)!;
    const whole = await openStorage(api.deps.config).stage(new Blob([bytes]).stream(), { maxBytes: 1e7 });
    await whole.keep(`upload/${id}/whole`);
    await api.sql`INSERT INTO media.upload_part VALUES (${id}, 0, ${whole.bytes}, ${`upload/${id}/whole`})`;
    await api.sql`UPDATE media.upload SET received = bytes WHERE id = ${id}`;
    const head = (n: number) => fetch(origin(n % 2) + path, { method: "HEAD", headers: headers() });
    const heads = await Promise.all(Array.from({ length: 8 }, (_, n) => head(n)));
    expect(heads.map(one => one.status)).toEqual(Array(8).fill(200));
    expect(new Set(heads.map(one => one.headers.get("upload-asset"))).size).toBe(1);
    expect(await pieces()).toBe(0);
  });

  test("is refused with a reason", async () => {
    const text = Buffer.from("I am a picture, believe me. ".repeat(10));
    expect(await refusal(send(text))).toEqual([415, "unsupported_media_type"]);
    expect(await refusal(send((await photo()).subarray(0, 20)))).toEqual([422, "unreadable"]);
    expect((await begin(9_000_000)).status).toBe(413);
    expect(await refusal(send(await photo(), { metadata: { productId: "prod_00000009" } }))).toEqual([
      422,
      "invalid",
    ]);
    expect(await refusal(send(await photo(), { metadata: { colour: "red" } }))).toEqual([422, "invalid"]);
    const long = await begin(5_000, `fingerprint ${btoa("x".repeat(501))}`);
    expect([long.status, ((await long.json()) as { code: string }).code]).toEqual([422, "invalid"]);
    expect((await begin(5_000, `fingerprint ${btoa("nul \0")}`)).status).toBe(422);
    // A name is for people: what can't be shown is left out.
    expect((await begin(5_000, `filename ${btoa("nul \0.png")}`)).status).toBe(201);
    expect(await refusal(send(await photo(), { key: api.keys.publishable }))).toEqual([403, "forbidden"]);
    const bare = await fetch(`${origin()}/admin/media/uploads`, {
      method: "POST",
      headers: { authorization: authorization() },
    });
    expect([bare.status, ((await bare.json()) as { code: string }).code]).toEqual([412, "tus_version"]);
    expect(await pieces()).toBe(0);
  });

  test("is another store's secret, can be given up, and ends by itself", async () => {
    const other = await createStore(api.sql, { name: "Other", currency: "EUR" });
    const { key } = await createKey(api.sql, { kind: "secret", storeId: other.id, name: "x" });
    const [mine, old] = [locationOf(await begin(5_000)), locationOf(await begin(6_000))];
    const stranger = { ...headers(), authorization: `Bearer ${key}` };
    expect((await fetch(origin() + mine, { method: "HEAD", headers: stranger })).status).toBe(404);
    expect((await fetch(origin() + mine, { method: "DELETE", headers: stranger })).status).toBe(404);
    expect((await fetch(origin() + mine, { method: "DELETE", headers: headers() })).status).toBe(204);
    expect((await offsetOf(mine))[0]).toBe(404);
    await api.sql`UPDATE media.upload SET expires_at = now() - interval '1 s' WHERE id = ${old.split("/").at(-1)!}`;
    expect((await offsetOf(old))[0]).toBe(404);
    await sweepUploads(api.sql, openStorage(api.deps.config));
    expect(await api.sql`SELECT id FROM media.upload WHERE id = ${old.split("/").at(-1)!}`).toHaveLength(0);
  });
});

describe("the quota of a store", () => {
  test("is held against what is announced and what has come, whichever way it comes", async () => {
    const fill = (bytes: number) =>
      api.sql`UPDATE media.usage SET bytes = ${bytes} WHERE store_id = ${api.store.id}`;
    const [before] = await api.sql`SELECT bytes FROM media.usage WHERE store_id = ${api.store.id}`;
    const [kept] =
      await api.sql`SELECT sum(bytes) AS bytes FROM media.asset WHERE store_id = ${api.store.id}`;
    expect(Number(before!.bytes)).toBe(Number(kept!.bytes));
    await fill(999_999_000);
    const announced = await begin(5_000);
    expect([announced.status, ((await announced.json()) as { code: string }).code]).toEqual([
      413,
      "quota_exceeded",
    ]);
    const form = new FormData();
    form.append("file", new File([await photo()], "a.png"));
    const sent = await fetch(`${origin()}/admin/media`, {
      method: "POST",
      headers: { authorization: authorization() },
      body: form,
    });
    expect([sent.status, ((await sent.json()) as { code: string }).code]).toEqual([413, "quota_exceeded"]);
    const [after] = await api.sql`SELECT bytes FROM media.usage WHERE store_id = ${api.store.id}`;
    expect(Number(after!.bytes)).toBe(999_999_000);
  });
});
