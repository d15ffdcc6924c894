import { afterAll, beforeAll, expect, test } from "bun:test";
import { createKey, createStore } from "../../../../commerce/stores/index.ts";
import { newId } from "../../../../platform/ids.ts";
import { indexProducts } from "../../../../search/index.ts";
import { product } from "../../../../search/testing.ts";
import { type TestApi, testApi } from "../../testing.ts";

let api: TestApi;
let otherKey: string;

async function stock(storeId: string, title: string): Promise<void> {
  const id = newId("prod");
  const products = async () => [product(id, { title, vendor: "Acme", price: 500 })];
  await indexProducts({ sql: api.sql, engine: null, products }, storeId, [id]);
}

beforeAll(async () => {
  api = await testApi();
  const other = await createStore(api.sql, { name: "Other", currency: "EUR" });
  otherKey = (await createKey(api.sql, { kind: "publishable", storeId: other.id, name: "other" })).key;
  await stock(api.store.id, "Copper kettle");
  await stock(other.id, "Velvet curtain");
}, 30_000);
afterAll(() => api.close());

const get = (query: string, key = api.keys.publishable) =>
  api.request("GET", `/store/search${query}`, { key });

test("a search answers with hits, facets and who found them", async () => {
  const response = await get(
    "?q=kettlle&vendor=Acme&priceMin=1&priceMax=900&inStock=true&sort=price&limit=5&offset=0&facets=vendor,price",
  );
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    items: [{ title: "Copper kettle", price: { amountMinor: 500, currency: "EUR" }, inStock: true }],
    total: 1,
    facets: { vendor: { Acme: 1 }, price: { min: 500, max: 500 } },
    engine: "postgres",
    tookMs: expect.any(Number),
  });
});

test("a key finds its own store's products only, whatever it asks for", async () => {
  for (const query of [
    "",
    "?q=curtain",
    "?category=*",
    `?vendor=${encodeURIComponent("Acme' OR true --")}`,
  ]) {
    expect(JSON.stringify(await (await get(query)).json())).not.toContain("curtain");
  }
  expect(await (await get("", otherKey)).json()).toMatchObject({ items: [{ title: "Velvet curtain" }] });
});

test("bad parameters are a 422 that names the field", async () => {
  const refused: [string, string][] = [
    [`?q=${"x".repeat(201)}`, "q"],
    [`?q=${"x".repeat(10_000)}`, "q"],
    ["?limit=101", "limit"],
    ["?limit=-1", "limit"],
    ["?limit=ten", "limit"],
    ["?offset=99999999999999999999", "offset"],
    ["?priceMin=-1", "priceMin"],
    ["?priceMin=2&priceMax=1", "priceMin"],
    ["?inStock=maybe", "inStock"],
    ["?sort=secret", "sort"],
    ["?facets=document", "facets"],
    ["?storeId=store_other", "storeId"],
  ];
  for (const [query, path] of refused) {
    const response = await get(query);
    const problem = (await response.json()) as { code: string; errors: { path: string }[] };
    expect([query.slice(0, 20), response.status, problem.code, problem.errors[0]?.path]).toEqual([
      query.slice(0, 20),
      422,
      "invalid",
      path,
    ]);
  }
});

test("without a key, or with one of another kind, nothing is found", async () => {
  expect((await api.request("GET", "/store/search")).status).toBe(401);
  expect((await get("", api.keys.secret)).status).not.toBe(200);
});
