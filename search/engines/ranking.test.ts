/** The order of hits, and what the tree of categories does to them, in both engines. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { SearchEngine, SearchQuery } from "../engine.ts";
import { meilisearch, openShop, type Shop } from "../testing.ts";
import { openPostgresEngine } from "./postgres.ts";

const running = await meilisearch();
const engines = ["postgres", ...(running ? ["meilisearch"] : [])];

describe.each(engines)("ranking by %s", name => {
  let shop: Shop;
  let engine: SearchEngine;
  beforeEach(async () => {
    const indexed = name === "postgres" ? null : running;
    shop = await openShop(indexed);
    engine = indexed ?? openPostgresEngine(shop.sql);
  }, 120_000);
  afterEach(() => shop.close());

  const hits = async (query: Partial<SearchQuery>) =>
    (await engine.search(shop.storeId, { q: "", limit: 20, offset: 0, facets: [], ...query })).items;

  test("what can be bought comes first among hits that fit equally well, then what sells", async () => {
    const [slow, gone, hit] = (await shop.stock(
      { title: "Brass Lantern", unitsSold: 1 },
      { title: "Brass Lantern", unitsSold: 900, available: 0 },
      { title: "Brass Lantern", unitsSold: 300 },
    )) as [string, string, string];
    expect((await hits({ q: "lantern" })).map(item => item.id)).toEqual([hit, slow, gone]);
  });

  test("the very words that were asked for stay before what sells better", async () => {
    await shop.stock(
      { title: "Lantern", available: 0 },
      { title: "Lanterns and other lights of the old harbour", unitsSold: 5_000 },
      { title: "Oil", description: "<p>For every lantern</p>", unitsSold: 9_000 },
    );
    const titles = (await hits({ q: "lantern" })).map(item => item.title);
    expect(titles[0]).toBe("Lantern");
    expect(titles.at(-1)).toBe("Oil");
  });

  test("a change of price, stock and sales alone is shown, ranked and filtered by", async () => {
    const [one, two] = (await shop.stock({ title: "Compass" }, { title: "Compass" })) as [string, string];
    shop.put({ title: "Compass", price: 200, available: 0 }, one);
    shop.put({ title: "Compass", price: 300, unitsSold: 10 }, two);
    await shop.index([one, two]);
    const found = await hits({ q: "compass" });
    expect(found.map(item => [item.id, item.price?.amountMinor, item.inStock])).toEqual([
      [two, 300, true],
      [one, 200, false],
    ]);
    expect((await hits({ priceMax: 250 })).map(item => item.id)).toEqual([one]);
    expect((await hits({ inStock: true })).map(item => item.id)).toEqual([two]);
    expect(await hits({ q: "compass", priceMin: 900 })).toEqual([]);
  });

  test("a category has the products of the categories below it", async () => {
    await shop.stock({ title: "Storm Lamp", category: "lamps", above: ["home", "lights"] });
    for (const category of ["home", "lights", "lamps", "cat_home"]) {
      expect((await hits({ category })).map(item => item.title)).toEqual(["Storm Lamp"]);
    }
    expect(await hits({ category: "garden" })).toEqual([]);
  });
});
