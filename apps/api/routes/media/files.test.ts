import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { convertAsset } from "../../../../media/index.ts";
import type { Clock } from "../../../../platform/clock.ts";
import { openStorage } from "../../../../platform/storage/index.ts";
import { type TestApi, testApi } from "../../testing.ts";

let api: TestApi;
let mediaDir = "";
let server: ReturnType<typeof Bun.serve>;
let aheadMs = 0;
const clock: Clock = { now: () => new Date(Date.now() + aheadMs) };

beforeAll(async () => {
  mediaDir = await mkdtemp(join(tmpdir(), "tradewind-api-files-"));
  api = await testApi({ config: { mediaDir }, deps: { clock } });
  server = Bun.serve({ port: 0, fetch: request => api.app.fetch(request) });
});
afterAll(async () => {
  await server.stop(true);
  await Promise.all([api.close(), rm(mediaDir, { recursive: true })]);
});

type View = {
  id: string;
  status: string;
  visibility: string;
  version: number;
  variants: { name: string; format: string; url: string }[];
};

const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  fetch(`http://localhost:${server.port}${path}`, { method, headers });
const admin = (path: string, method = "GET", json?: unknown, key = api.keys.secret) =>
  api.request(method, `/admin/media/${path}`, { key, ...(json === undefined ? {} : { json }) });
const view = async (id: string) => (await (await admin(id)).json()) as View;
const convert = (id: string) =>
  convertAsset({ sql: api.sql, storage: openStorage(api.deps.config) }, { storeId: api.store.id }, id, {
    attempt: 1,
  });

let seed = 0;
async function ready(): Promise<View> {
  const image = sharp({
    create: { width: 60 + seed++, height: 40, channels: 3, background: { r: seed, g: 40, b: 90 } },
  });
  const form = new FormData();
  form.append("file", new File([new Uint8Array(await image.png().toBuffer())], "a.png"));
  const response = await api.request("POST", "/admin/media", { key: api.keys.secret, body: form });
  const { id } = (await response.json()) as { id: string };
  await convert(id);
  return view(id);
}

const CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";

describe("an asset in one of its sizes", () => {
  test.each([
    [CHROME, "avif"],
    ["image/webp,image/png;q=0.8,*/*;q=0.5", "webp"],
    ["image/avif;q=0.1, image/webp;q=0.9", "webp"],
    ["image/avif;q=0, image/*", "jpeg"],
    ["*/*", "jpeg"],
    ["text/html", "jpeg"],
    ["", "jpeg"],
    ["image/avif;q=nonsense", "jpeg"],
  ])("goes out to %p as %s", async (accept, format) => {
    const { id } = await ready();
    const answer = await get(`/media/${id}/300`, { accept });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, `image/${format}`]);
    expect(answer.headers.get("vary")).toBe("accept");
    expect(answer.headers.get("surrogate-key")).toBe(`${id} ${api.store.id}`);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("content-security-policy")).toBe("default-src 'none'; sandbox");
    expect((await sharp(Buffer.from(await answer.arrayBuffer())).metadata()).format).toBe(
      format === "avif" ? "heif" : (format as "jpeg"),
    );
  });

  test("takes conditions and ranges of the format that was chosen", async () => {
    const { id } = await ready();
    const whole = await get(`/media/${id}/800`, { accept: CHROME });
    const etag = whole.headers.get("etag")!;
    expect((await get(`/media/${id}/800`, { accept: CHROME, "if-none-match": etag })).status).toBe(304);
    expect((await get(`/media/${id}/800`, { accept: "*/*", "if-none-match": etag })).status).toBe(200);
    const part = await get(`/media/${id}/800`, { accept: CHROME, range: "bytes=0-9" });
    expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 10]);
    expect((await get(`/media/${id}/800`, { accept: CHROME }, "HEAD")).headers.get("content-length")).toBe(
      whole.headers.get("content-length"),
    );
  });

  test("is not found in sizes that nobody declared, nor for what is no asset", async () => {
    const { id } = await ready();
    for (const path of [
      `${id}/301`,
      `${id}/original`,
      `${id}/..`,
      "asset_nothing1/300",
      "x/300",
      `${id}/%00`,
    ]) {
      expect((await get(`/media/${path}`)).status).toBe(404);
    }
  });
});

describe("a declared size", () => {
  const put = (name: string, json: unknown) => admin(`presets/${name}`, "PUT", json);

  test("is shown by another one until it is made; what nobody declared never is", async () => {
    const { id } = await ready();
    expect((await put("thumb", { width: 20, height: 20, crop: true })).status).toBe(201);
    expect((await put("thumb", { width: 20, height: 20, crop: true })).status).toBe(200);
    expect((await put("thumb", { width: 30, height: 20 })).status).toBe(409);
    const early = await get(`/media/${id}/thumb`, { accept: CHROME });
    expect([early.status, early.headers.get("cache-control")]).toEqual([200, "public, max-age=5"]);
    expect((await get(`/media/${id}/poster`)).status).toBe(404);
    const later = await ready();
    const made = await get(`/media/${later.id}/thumb`, { accept: "image/webp" });
    const { width, height } = await sharp(Buffer.from(await made.arrayBuffer())).metadata();
    expect([made.status, width, height]).toEqual([200, 20, 20]);
    const list = (await (await admin("presets")).json()) as { items: unknown[]; backfill: unknown };
    expect(list.items).toEqual([{ name: "thumb", width: 20, height: 20, crop: true }]);
    expect(list.backfill).toMatchObject({ status: "queued" });
    expect((await admin("presets/thumb", "DELETE")).status).toBe(204);
    expect((await admin("presets/thumb", "DELETE")).status).toBe(404);
  });

  test.each([
    ["Thumb", { width: 20, height: 20 }, "name"],
    ["thumb2", { width: 0, height: 20 }, "width"],
    ["thumb2", { width: 20, height: 20_000 }, "height"],
    ["thumb2", { width: 20, height: 20, crop: "yes" }, "crop"],
  ])("refuses %p of %p", async (name, json, path) => {
    const answer = await put(name, json);
    expect(answer.status).toBe(422);
    expect(((await answer.json()) as { errors: { path: string }[] }).errors[0]?.path).toBe(path);
  });
});

describe("a private asset", () => {
  const hide = async (id: string) => {
    const answer = await admin(id, "PATCH", { visibility: "private" });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ visibility: "private", status: "processing", variants: [] });
    await convert(id);
    return view(id);
  };

  test("is served to signed URLs only, until they end", async () => {
    const before = await ready();
    const asset = await hide(before.id);
    expect([asset.status, asset.variants.length]).toEqual(["ready", 9]);
    for (const { url } of before.variants) expect((await get(url)).status).toBe(404);
    const { url } = asset.variants[0]!;
    const answer = await get(url);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "image/webp"]);
    expect(answer.headers.get("cache-control")).toMatch(/^private, max-age=3[56]\d\d$/);
    const [path, query] = url.split("?");
    const other = asset.variants[1]!.url.split("?")[0]!;
    const signature = new URLSearchParams(query).get("signature")!;
    const later = query!.replace(/expires=\d+/, `expires=${Math.ceil(Date.now() / 1_000) + 90_000}`);
    const refused = async (at: string) => {
      const { status, headers } = await get(at);
      expect(headers.get("cache-control")).toBe("no-store");
      return [status, ((await (await get(at)).json()) as { code: string }).code];
    };
    expect(await refused(path!)).toEqual([403, "signature_required"]);
    expect(await refused(`${path}?expires=1`)).toEqual([403, "signature_required"]);
    expect(await refused(`${path}?${later}`)).toEqual([403, "signature_invalid"]);
    expect(await refused(`${path}?${query!.replace(signature, `${signature.slice(0, -2)}AA`)}`)).toEqual([
      403,
      "signature_invalid",
    ]);
    expect(await refused(`${path}?expires=x&signature=${signature}`)).toEqual([403, "signature_invalid"]);
    expect(await refused(`/media/${asset.id}/300`)).toEqual([403, "signature_required"]);
    expect(await refused(`${other === path ? "/media/private/x.webp" : other}?${query}`)).toEqual([
      403,
      "signature_invalid",
    ]);
    aheadMs = 3_700_000;
    expect(await refused(url)).toEqual([403, "signature_expired"]);
    aheadMs = 0;
  });

  test("can be made public again, under its old names", async () => {
    const before = await ready();
    await hide(before.id);
    await admin(before.id, "PATCH", { visibility: "public" });
    await convert(before.id);
    const after = await view(before.id);
    expect(after.variants).toEqual(before.variants);
    expect((await get(after.variants[0]!.url)).status).toBe(200);
  });
});

describe("changing an asset", () => {
  test("keeps what is not named, tells pages once, and changes nothing twice", async () => {
    const { id, version } = await ready();
    const change = { alt: "A cup", focalPoint: { x: 0.25, y: 0.5 } };
    const changed = (await (await admin(id, "PATCH", change)).json()) as View;
    expect(changed).toMatchObject({ ...change, status: "ready", version: version + 1 });
    expect(((await (await admin(id, "PATCH", change)).json()) as View).version).toBe(version + 1);
    expect((await (await admin(id, "PATCH", { focalPoint: null })).json()) as View).toMatchObject({
      alt: "A cup",
      focalPoint: null,
    });
  });

  test.each([
    [{}, "body"],
    [{ focalPoint: { x: 2, y: 0 } }, "focalPoint.x"],
    [{ visibility: "secret" }, "visibility"],
    [{ alt: "x".repeat(501) }, "alt"],
    [{ status: "ready" }, "status"],
  ])("refuses %p", async (json, path) => {
    const { id } = await ready();
    const answer = await admin(id, "PATCH", json);
    expect(answer.status).toBe(422);
    expect(((await answer.json()) as { errors: { path: string }[] }).errors[0]?.path).toBe(path);
  });

  test("delete and retry know only what the store has, and what has failed", async () => {
    const { id, variants } = await ready();
    expect((await admin(`${id}/retry`, "POST")).status).toBe(409);
    expect((await admin("asset_nothing1", "DELETE")).status).toBe(404);
    expect((await admin("asset_nothing1/retry", "POST")).status).toBe(404);
    expect((await admin("nothing", "PATCH", { alt: "x" })).status).toBe(404);
    expect((await admin(id, "DELETE")).status).toBe(204);
    expect((await admin(id)).status).toBe(404);
    for (const { url } of variants) expect((await get(url)).status).toBe(404);
  });
});
