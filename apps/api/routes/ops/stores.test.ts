import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { type TestApi, type TestRequest, testApi } from "../../testing.ts";

let api: TestApi;
let mediaDir = "";
beforeAll(async () => {
  mediaDir = await mkdtemp(join(tmpdir(), "tradewind-quota-"));
  api = await testApi({ config: { mediaDir, mediaStoreGb: 1 } });
});
afterAll(() => Promise.all([api.close(), rm(mediaDir, { recursive: true })]));

const DEFAULT = 1_000_000_000;

async function call(method: string, path: string, request: TestRequest = {}) {
  const key = path.startsWith("/ops") ? api.keys.ops : api.keys.secret;
  const response = await api.request(method, path, { key, ...request });
  return { status: response.status, body: (await response.json()) as Record<string, never> };
}
const setQuota = (maxBytes: unknown, storeId: string = api.store.id) =>
  call("PUT", `/ops/stores/${storeId}/media-quota`, { json: { maxBytes } });

async function upload(width: number) {
  const bytes = await sharp({ create: { width, height: 30, channels: 3, background: "#c02020" } })
    .png()
    .toBuffer();
  const form = new FormData();
  form.append("file", new File([bytes], "a.png"));
  const headers = { authorization: `Bearer ${api.keys.secret}` };
  const request = new Request("http://localhost/admin/media", { method: "POST", headers, body: form });
  const response = await api.app.fetch(request);
  const { code } = (await response.json()) as { code?: string };
  return { status: response.status, code, bytes: bytes.length };
}

test("a store's quota is set by operators, counts at once, and ends with null", async () => {
  const first = await upload(40);
  const usage = { assets: 1, bytes: first.bytes, maxBytes: DEFAULT, isOwn: false };
  expect(await call("GET", "/admin/media/usage")).toEqual({ status: 200, body: usage as never });
  const own = { ...usage, maxBytes: first.bytes, isOwn: true };
  expect(await setQuota(first.bytes)).toEqual({ status: 200, body: own as never });
  expect((await call("GET", "/admin/media/usage")).body).toEqual(own as never);
  expect(await upload(41)).toMatchObject({ status: 413, code: "quota_exceeded" });
  // The same bytes again take nothing.
  expect((await upload(40)).status).toBe(202);
  expect((await setQuota(null)).body).toEqual(usage as never);
  expect((await upload(41)).status).toBe(202);
  expect((await call("GET", `/ops/stores/${api.store.id}`)).body).toMatchObject({
    name: api.store.name as never,
    media: { assets: 2, isOwn: false } as never,
  });
  expect((await call("GET", "/ops/stores/store_nowhere")).status).toBe(404);
  const { items } = (await call("GET", "/ops/stores?limit=100")).body as unknown as {
    items: { id: string; media: { assets: number } }[];
  };
  expect(items.find(one => one.id === api.store.id)!.media.assets).toBe(2);
  const audited = await api.sql`
    SELECT store_id, changes FROM audit.entry WHERE entity = 'media_quota' ORDER BY id`;
  expect(audited.map(one => [one.store_id, one.changes.maxBytes])).toEqual([
    [api.store.id, { before: null, after: first.bytes }],
    [api.store.id, { before: first.bytes, after: null }],
  ]);
});

test("what is no quota, no store or no operator is refused", async () => {
  for (const wrong of [-1, 1.5, "much", 1e18, undefined]) expect((await setQuota(wrong)).status).toBe(422);
  expect((await setQuota(5, "store_nowhere")).status).toBe(404);
  const path = `/ops/stores/${api.store.id}/media-quota`;
  expect((await call("PUT", path, { key: api.keys.secret, json: { maxBytes: 5 } })).status).toBe(403);
});
