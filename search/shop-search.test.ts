import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { silentLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import { until } from "../platform/testing/index.ts";
import type { SearchEngine } from "./engine.ts";
import { openMeilisearch } from "./engines/meilisearch.ts";
import { likeness } from "./related.ts";
import { createShopSearch, type SearchAnswer } from "./shop-search.ts";
import { learnWords } from "./spelling.ts";
import { meilisearch, openShop, type Shop } from "./testing.ts";

const running = await meilisearch();
const engines = [
  { name: "postgres", engine: null },
  ...(running ? [{ name: "meilisearch", engine: running }] : []),
];

const searchWith = (shop: Shop, engine: SearchEngine | null) =>
  createShopSearch({ sql: shop.sql, engine, log: silentLog, metrics: createMetrics("test") });

const read = ({ value }: { value: { json: string } }): SearchAnswer => JSON.parse(value.json);

for (const { name, engine } of engines) {
  describe(`a shop's search by ${name}`, () => {
    let shop: Shop;
    let search: ReturnType<typeof searchWith>;
    let ids: string[];
    beforeAll(async () => {
      shop = await openShop(engine);
      ids = await shop.stock(
        { title: "Essence Mascara", vendor: "Essence", category: "beauty", tags: ["lashes"], price: 999 },
        { title: "Mascara Remover", vendor: "Essence", category: "beauty", tags: ["lashes"], price: 700 },
        { title: "Red Lipstick", vendor: "Chic Cosmetics", category: "beauty", price: 1_299 },
        { title: "Leather Belt", vendor: "Oak", category: "wear", description: "<p>With a brass buckle</p>" },
        { title: "Canvas Belt", vendor: "Elm", category: "wear", available: 0 },
        { title: "Belt Oil", vendor: "Elm", category: "care" },
      );
      await learnWords(shop.sql);
      search = searchWith(shop, engine);
    }, 120_000);
    afterAll(() => shop.close());
    const ask = async (params: object) => read(await search.search(shop.storeId, params));

    test("says what may have been meant, by its hits or by all words of the shop", async () => {
      expect(await ask({ q: "mascarra" })).toMatchObject({ didYouMean: "mascara", corrected: false });
      const far = await ask({ q: "maskarra remuver" });
      expect(far).toMatchObject({ didYouMean: "mascara remover", engine: name });
      expect(far.items[0]?.title).toBe("Mascara Remover");
      expect(await ask({ q: "mascara" })).toMatchObject({ didYouMean: null, corrected: false });
      expect(await ask({ q: "zzzyyyxxx" })).toMatchObject({ total: 0, items: [], didYouMean: null });
    });

    test("shows where the words are in its hits", async () => {
      const { items } = await ask({ q: "buckle", highlight: true });
      expect(items.map(item => item.highlights)).toEqual([
        { title: "Leather Belt", vendor: "Oak", description: "With a brass <mark>buckle</mark>" },
      ]);
      expect((await ask({ q: "buckle" })).items[0]).not.toHaveProperty("highlights");
    });

    test("suggests products, categories, vendors and what others searched for", async () => {
      for (let i = 0; i < 3; i++) await ask({ q: "mascara remover" });
      await ask({ q: "Mascara  oil free" });
      await search.counter.flush();
      const fresh = searchWith(shop, engine);
      const { value } = await fresh.suggest(shop.storeId, { q: "masc", limit: 5 });
      expect(value.engine).toBe(name as "postgres");
      expect(value.products.map(one => one.highlighted).toSorted()).toEqual([
        "<mark>Mascara</mark> Remover",
        "Essence <mark>Mascara</mark>",
      ]);
      expect(value.categories).toEqual([{ handle: "beauty", title: "All beauty", products: 2 }]);
      const essence = await fresh.suggest(shop.storeId, { q: "ess", limit: 5 });
      expect(essence.value.vendors).toEqual([{ vendor: "Essence", products: 2 }]);
      await until(async () => {
        const late = await searchWith(shop, engine).suggest(shop.storeId, { q: "mascara re", limit: 1 });
        return late.value.queries.includes("mascara remover");
      });
    });

    test("finds what is like a product, never the product itself, the most alike first", async () => {
      const { value } = await search.similar(shop.storeId, ids[0]!, 3);
      expect(value.engine).toBe(name as "postgres");
      expect(value.items.map(item => item.title)).toEqual(["Mascara Remover", "Red Lipstick"]);
      const belts = await search.similar(shop.storeId, ids[3]!, 8);
      expect(belts.value.items.map(item => item.title).toSorted()).toEqual(["Belt Oil", "Canvas Belt"]);
      expect(belts.value.items.every(item => item.reason === "similar")).toBe(true);
      expect(search.similar(shop.storeId, "no-such-product", 3)).rejects.toMatchObject({ status: 404 });
    });
  });
}

describe("answers that are given again", () => {
  let shop: Shop;
  beforeEach(async () => {
    shop = await openShop(null);
  }, 120_000);
  afterEach(() => shop.close());

  test("are so until anything of the store changes", async () => {
    const search = searchWith(shop, null);
    const [id] = await shop.stock({ title: "Kettle", price: 500 });
    const ask = () => search.search(shop.storeId, { q: "kettle" });
    await until(async () => read(await ask()).total === 1);
    expect((await ask()).hit).toBe(true);
    expect((await search.search(shop.storeId, { q: "kettle", limit: 1 })).hit).toBe(false);
    shop.put({ title: "Kettle", price: 400 }, id);
    await shop.index([id!]);
    await until(async () => read(await ask()).items[0]?.price?.amountMinor === 400);
  });

  test("are one when many ask at once, and a failure is not kept", async () => {
    await shop.stock({ title: "Kettle" });
    let asked = 0;
    const engine: SearchEngine = {
      name: "meilisearch",
      async search() {
        asked++;
        await Bun.sleep(5);
        return { items: [], total: 1, facets: {} };
      },
    };
    const search = searchWith(shop, engine);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => search.search(shop.storeId, { q: "kettle" })),
    );
    expect(asked).toBe(1);
    expect(answers.filter(one => !one.hit)).toHaveLength(1);
  });

  test("of the fallback are not kept for long: the engine may be back", async () => {
    await shop.stock({ title: "Kettle" });
    const search = searchWith(shop, openMeilisearch({ url: "http://127.0.0.1:1" }));
    const ask = () => search.search(shop.storeId, { q: "kettle" });
    expect(read(await ask()).engine).toBe("postgres");
    await until(async () => !(await ask()).hit);
  });
});

test("products are the more alike the more they share, and what is sold out is less", () => {
  const base = { title: "Red Shirt", vendor: "Oak", type: "", tags: ["new"], price: null, inStock: true };
  const item = (of: object) => ({ ...base, categories: [{ id: "c1" }], ...of }) as never;
  const itself = item({});
  const order = [
    item({}),
    item({ title: "Blue Shirt" }),
    item({ title: "Blue Shirt", inStock: false }),
    item({ title: "Kettle", vendor: "Elm", tags: [], categories: [] }),
  ];
  const scores = order.map(one => likeness(itself, one));
  expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  expect(scores.at(-1)).toBe(0);
});
