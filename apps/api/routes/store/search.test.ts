import { afterAll, beforeAll, expect, test } from "bun:test";
import { createKey, createStore } from "../../../../commerce/stores/index.ts";
import { newId } from "../../../../platform/ids.ts";
import { indexProducts } from "../../../../search/index.ts";
import { product } from "../../../../search/testing.ts";
import { type TestApi, testApi } from "../../testing.ts";
import { searchOf } from "./search.ts";

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
}, 120_000);
afterAll(() => api.close());

const get = (query: string, key = api.keys.publishable) =>
  api.request("GET", `/store/search${query}`, { key });

async function firstHit(query: string, key?: string): Promise<{ id: string; handle: string }> {
  const { items } = (await (await get(query, key)).json()) as { items: { id: string; handle: string }[] };
  return items[0]!;
}

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

test("nothing that a shopper sends reaches another store, on any of the routes", async () => {
  const mine = api.keys.publishable;
  const curtain = await firstHit("", otherKey);
  const texts = [
    "curtain",
    "velvet OR store_id",
    `" OR storeId != "x`,
    "../products_x/search",
    "*",
    "%",
    "_",
  ];
  for (const text of texts) {
    const q = encodeURIComponent(text);
    for (const path of [
      `/store/search?q=${q}&highlight=true&facets=category,vendor,tag,option,price,inStock`,
      `/store/search?options=${q}:${q}`,
      `/store/search?vendor=${q}`,
      `/store/search?category=${q}`,
      `/store/search/suggest?q=${q}`,
      `/store/products/${q}/similar`,
      `/store/products/${curtain.id}/similar`,
      `/store/products/${curtain.handle}/recommendations`,
    ]) {
      const body = await (await api.request("GET", path, { key: mine })).text();
      expect(`${path} ${/velvet curtain/i.test(body)}`).toBe(`${path} false`);
    }
  }
  expect((await api.request("GET", `/store/products/${curtain.id}/similar`, { key: mine })).status).toBe(404);
});

test("whatever is typed gets hits or none, never an error of an engine", async () => {
  const texts = [
    "",
    " ",
    "\u0000",
    "\u202eelttek\u202c",
    "\u200f\u200e\ufeff",
    "' OR 1=1; DROP TABLE search.document; --",
    '{"$ne": null}',
    "kettle & | ! <-> :* ( ) \\ ' \"",
    "#{7*7} {{7*7}} <script>alert(1)</script>",
    "category = x AND (inStock EXISTS",
    "\t\r\n\u0007\u001b[31m",
    "😀😀😀 ﷽ 你好 नमस्ते",
    "a".repeat(200),
    "a ".repeat(100),
    "%00%ff",
    "-".repeat(200),
  ];
  for (const text of texts) {
    const q = encodeURIComponent(text);
    for (const path of [
      `?q=${q}&highlight=true&facets=option,category`,
      `?vendor=${q}`,
      `?category=${q}`,
      `/suggest?q=${q || "x"}`,
    ]) {
      const response = await get(path);
      const body = await response.text();
      expect([path, response.status, body.includes('"engine"')]).toEqual([path, 200, true]);
    }
  }
});

test("an answer is given again until the shop changes, and says so", async () => {
  const first = await get("?q=kettle&limit=3");
  expect(first.headers.get("x-cache")).toBe("MISS");
  const second = await get("?q=kettle&limit=3");
  expect(second.headers.get("x-cache")).toBe("HIT");
  expect(second.headers.get("etag")).toBe(first.headers.get("etag")!);
  expect(await second.text()).toBe(await first.text());
});

test("suggestions, similar products and recommendations answer for a product of the shop", async () => {
  const kettle = await firstHit("?q=kettle");
  const read = async (path: string) => {
    const response = await api.request("GET", path, { key: api.keys.publishable });
    return [response.status, await response.json()];
  };
  expect(await read("/store/search/suggest?q=kett")).toMatchObject([
    200,
    { products: [{ handle: "copper-kettle", highlighted: "Copper <mark>kettle</mark>" }], queries: [] },
  ]);
  expect(await read(`/store/products/${kettle.id}/similar`)).toMatchObject([200, { items: [] }]);
  expect(await read(`/store/products/${kettle.id}/recommendations?limit=2`)).toMatchObject([
    200,
    { items: [] },
  ]);
  expect(await read("/store/products/none/recommendations")).toMatchObject([404, { code: "not_found" }]);
});

test("clicks are counted for the merchant, of that store alone", async () => {
  const kettle = await firstHit("?q=kettle");
  const click = (json: object) =>
    api.request("POST", "/store/search/clicks", { key: api.keys.publishable, json });
  // What can't be stored is left out of the words; it must not keep others from being counted.
  for (const q of ["kettle", "\u0000", "ket\u0000tle\u202e"])
    expect((await click({ q, productId: kettle.id, position: 2 })).status).toBe(202);
  await searchOf(api.deps).counter.flush();
  const report = await api.request("GET", "/admin/search/analytics?limit=5", { key: api.keys.secret });
  const body = (await report.json()) as { clicked: unknown; popular: { query: string }[] };
  expect(body.clicked).toEqual([{ productId: kettle.id, title: "Copper kettle", clicks: 2 }]);
  expect(body.popular.map(one => one.query)).toContain("kettle");
  for (const [json, path] of [
    [{ q: "", productId: kettle.id, position: 1 }, "q"],
    [{ q: "x", productId: "' OR 1=1", position: 1 }, "productId"],
    [{ q: "x", productId: kettle.id, position: 0 }, "position"],
    [{ q: "x", productId: kettle.id, position: 1, storeId: "x" }, "storeId"],
  ] as const) {
    const response = await click(json);
    const problem = (await response.json()) as { errors: { path: string }[] };
    expect([response.status, problem.errors[0]?.path]).toEqual([422, path]);
  }
  const refused = await api.request("GET", "/admin/search/analytics?from=2026-02-30", {
    key: api.keys.secret,
  });
  expect(refused.status).toBe(422);
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
    ["?options=Colour", "options"],
    ["?options=:Red", "options"],
    ["?options=a:1;b:1;c:1;d:1;e:1;f:1", "options"],
    [`?options=${"x".repeat(1_001)}`, "options"],
    ["?highlight=perhaps", "highlight"],
    ["?limit=99999999999999999999", "limit"],
    ["?limit=1e9", "limit"],
    ["?offset=-5", "offset"],
    ["?priceMax=99999999999999999999", "priceMax"],
    [`?vendor=${"x".repeat(256)}`, "vendor"],
    ["/suggest", "q"],
    ["/suggest?q=", "q"],
    ["/suggest?q=x&limit=21", "limit"],
    ["/suggest?q=x&engine=postgres", "engine"],
    [`/suggest?q=${"x".repeat(10_000)}`, "q"],
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
