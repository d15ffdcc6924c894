import { afterAll, beforeAll, expect, test } from "bun:test";
import { until } from "../../../../platform/testing/index.ts";
import { type TestApi, type TestRequest, testApi } from "../../testing.ts";

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

async function ops(method: string, path: string, request: TestRequest = {}) {
  const response = await api.request(method, `/ops${path}`, { key: api.keys.ops, ...request });
  const text = await response.text();
  return { status: response.status, body: JSON.parse(text || "null"), text };
}

test("a key is made, shown once, opens its store, is listed without its secret, and revoked for good", async () => {
  const json = { kind: "publishable", storeId: api.store.id, name: "shop" };
  const made = await ops("POST", "/keys", { json });
  expect(made).toMatchObject({ status: 201, body: json });
  const { id, key } = made.body;
  const open = async () => (await api.request("GET", "/store/products", { key })).status;
  expect(await open()).toBe(200);
  const listed = await ops("GET", `/keys?storeId=${api.store.id}&limit=100`);
  expect(listed.body.items.find((one: { id: string }) => one.id === id)).toMatchObject({
    kind: "publishable",
    prefix: key.slice(0, 8),
    revokedAt: null,
    lastUsedAt: expect.any(String),
  });
  expect(listed.text).not.toContain(key.slice(8));
  expect((await ops("DELETE", `/keys/${id}`)).status).toBe(204);
  expect((await ops("DELETE", `/keys/${id}`)).status).toBe(404);
  await until(async () => (await open()) === 401);
});

test("pages of keys follow one another", async () => {
  const first = await ops("GET", "/keys?limit=2");
  const second = await ops("GET", `/keys?limit=2&cursor=${first.body.nextCursor}`);
  const ids = [...first.body.items, ...second.body.items].map((one: { id: string }) => one.id);
  expect(ids).toEqual([...new Set(ids)].toSorted());
});

test("keys that can't be are refused", async () => {
  const ok = { kind: "secret", storeId: api.store.id, name: "x" };
  for (const [json, status] of [
    [{}, 422],
    [{ ...ok, kind: "root" }, 422],
    [{ ...ok, name: "" }, 422],
    [{ ...ok, name: "x".repeat(256) }, 422],
    [{ ...ok, name: "nul \u0000" }, 422],
    [{ ...ok, storeId: 5 }, 422],
    [{ ...ok, storeId: "'; --" }, 422],
    [{ kind: "secret", name: "x" }, 422],
    [{ ...ok, kind: "ops" }, 422],
    [{ ...ok, key: "sk_mine" }, 422],
    [{ ...ok, storeId: "store_nowhere" }, 404],
  ] as const) {
    expect([json, (await ops("POST", "/keys", { json })).status]).toEqual([json, status]);
  }
  for (const id of ["key_nothing", "%00", "x".repeat(65)]) {
    expect((await ops("DELETE", `/keys/${id}`)).status).toBeOneOf([404, 422]);
  }
  for (const query of ["limit=0", "limit=101", "cursor=%00", "storeId='", "more=1"]) {
    expect((await ops("GET", `/keys?${query}`)).status).toBe(422);
  }
  expect((await ops("GET", "/keys", { key: api.keys.secret })).status).toBe(403);
});
