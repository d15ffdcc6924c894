import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoCatalog } from "../../../../commerce/demo/index.ts";
import { createImport, receiveFile, runImport } from "../../../../commerce/imports/index.ts";
import { rebuildNow } from "../../../../commerce/storefront/index.ts";
import { createKey, createStore } from "../../../../commerce/stores/index.ts";
import { openStorage } from "../../../../platform/storage/index.ts";
import { type TestApi, testApi } from "../../testing.ts";

let api: TestApi;
let mediaDir: string;

beforeAll(async () => {
  mediaDir = await mkdtemp(join(tmpdir(), "tradewind-products-"));
  api = await testApi({ config: { mediaDir } });
  await imported();
});
afterAll(async () => {
  await api.close();
  await rm(mediaDir, { recursive: true });
});

async function imported(): Promise<void> {
  const deps = { sql: api.sql, storage: openStorage(api.deps.config) };
  const origin = { storeId: api.store.id };
  const staged = await receiveFile(deps.storage, Bun.file(demoCatalog).stream() as never);
  const { id } = await createImport(deps, origin, { fileName: "demo.csv", inventory: "new", staged });
  await runImport(deps, origin, id);
  await rebuildNow(api.sql, api.store.id);
}

describe("GET /store/products", () => {
  const get = (path: string, headers?: Record<string, string>) =>
    api.request("GET", `/store/products${path}`, { key: api.keys.publishable, headers: headers ?? {} });
  type Item = { id: string; title: string; handle: string; price: { amountMinor: number } };
  type Page = { items: Item[]; nextCursor: string | null };
  const page = async (query: string) => (await (await get(query)).json()) as Page;

  test("pages through all products once, in each order", async () => {
    for (const sort of ["newest", "title", "price", "-price"]) {
      const seen: Item[] = [];
      let cursor = "";
      for (;;) {
        const next = await page(`?sort=${sort}&limit=7${cursor && `&cursor=${cursor}`}`);
        seen.push(...next.items);
        if (!next.nextCursor) break;
        cursor = next.nextCursor;
      }
      expect(new Set(seen.map(item => item.id)).size).toBe(25);
      expect(seen.length).toBe(25);
      const prices = seen.map(item => item.price.amountMinor);
      if (sort === "price") expect(prices).toEqual(prices.toSorted((a, b) => a - b));
      if (sort === "-price") expect(prices).toEqual(prices.toSorted((a, b) => b - a));
      if (sort === "title") {
        const titles = seen.map(item => item.title.toLowerCase());
        expect(titles).toEqual(titles.toSorted());
      }
    }
  });

  test("filters by category and words", async () => {
    expect((await page("?category=lighting")).items.length).toBe(3);
    expect((await page("?q=mug")).items.map(item => item.handle)).toEqual(["harbour-mug"]);
    expect((await page("?q=%25")).items).toEqual([]);
    expect((await page("?category=nothing")).items).toEqual([]);
    expect((await page("?collection=nothing")).items).toEqual([]);
  });

  test("gives one product by id or handle, with a validator", async () => {
    const answer = await get("/harbour-mug");
    const product = (await answer.json()) as Item;
    expect(product).toMatchObject({
      title: "Harbour Mug",
      options: [{ name: "Glaze", values: ["Fog", "Deep Sea", "Sand"] }],
      categories: [{ handle: "tableware", title: "Tableware" }],
    });
    expect(((await (await get(`/${product.id}`)).json()) as Item).handle).toBe("harbour-mug");
    const etag = answer.headers.get("etag")!;
    expect(etag).toMatch(/^"/);
    expect((await get("/harbour-mug", { "if-none-match": etag })).status).toBe(304);
    expect((await get("/prod_unknown00")).status).toBe(404);
  });

  test("refuses what it can't read", async () => {
    const cursor = (await page("?limit=1&sort=title")).nextCursor!;
    const rubbish = Buffer.from('["price",1e400,"x"]').toString("base64url");
    const bad = ["limit=0", "limit=101", "limit=x", "sort=best", "cursor=x", `cursor=${cursor}&sort=price`];
    for (const query of [...bad, `cursor=${rubbish}&sort=price`, `q=${"x".repeat(201)}`, "q=%00", "wat=1"]) {
      expect([query, (await get(`?${query}`)).status]).toEqual([query, 422]);
    }
    expect((await get(`/${"x".repeat(300)}`)).status).toBe(422);
    expect((await get("/%00")).status).toBe(422);
  });

  test("shows another store nothing of it", async () => {
    const other = await createStore(api.sql, { name: "Other", currency: "EUR" });
    const { key } = await createKey(api.sql, { kind: "publishable", storeId: other.id, name: "other" });
    const ours = (await page("?limit=1")).items[0]!;
    expect((await api.request("GET", `/store/products/${ours.id}`, { key })).status).toBe(404);
    const list = await api.request("GET", "/store/products", { key });
    expect(await list.json()).toEqual({ items: [], nextCursor: null });
  });
});
