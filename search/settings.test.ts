/** What merchants say about search, in both engines. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { SearchEngine, StoreSettings } from "./engine.ts";
import { openPostgresEngine } from "./engines/postgres.ts";
import { applySearchSettings, saveSearchSettings, searchSettings } from "./index.ts";
import { meilisearch, openShop, type Shop } from "./testing.ts";

const running = await meilisearch();
const none: StoreSettings = { synonyms: [], stopWords: [], languages: [] };

describe.each(["postgres", ...(running ? ["meilisearch"] : [])])("settings of a store with %s", name => {
  let shop: Shop;
  let engine: SearchEngine;
  const indexed = name === "postgres" ? null : running;
  beforeEach(async () => {
    shop = await openShop(indexed);
    engine = indexed ?? openPostgresEngine(shop.sql);
  }, 120_000);
  afterEach(() => shop.close());

  const titles = async (q: string, storeId = shop.storeId) =>
    (await engine.search(storeId, { q, limit: 20, offset: 0, facets: [] })).items.map(item => item.title);
  const save = async (settings: Partial<StoreSettings>) => {
    const saved = await saveSearchSettings(
      shop.sql,
      { storeId: shop.storeId, actor: "test" },
      { ...none, ...settings },
    );
    await applySearchSettings({ sql: shop.sql, engine: indexed }, shop.storeId);
    return saved;
  };

  test("synonyms find one another, phrases too, and nobody else's shop hears of it", async () => {
    await save({ synonyms: [["Sofa", "couch", "chaise longue"]] });
    await shop.stock({ title: "Velvet Sofa" }, { title: "Chaise Longue" }, { title: "Oak Table" });
    expect((await titles("couch")).sort()).toEqual(["Chaise Longue", "Velvet Sofa"]);
    expect(await titles("table")).toEqual(["Oak Table"]);
    const other = "store_06gzjnvydndaec8tother";
    await shop.index([shop.put({ title: "Velvet Sofa" }, undefined, other)], { storeId: other });
    expect(await titles("couch", other)).toEqual([]);
  }, 60_000);

  test("stop words don't narrow a search", async () => {
    await save({ stopWords: ["mit"] });
    await shop.stock({ title: "Kanne Deckel" });
    expect(await titles("kanne mit deckel")).toEqual(["Kanne Deckel"]);
  }, 60_000);

  test("that change later are applied to the index that is there", async () => {
    await shop.stock({ title: "Velvet Sofa" });
    expect(await titles("couch")).toEqual([]);
    await save({ synonyms: [["sofa", "couch"]], languages: ["en", "de"] });
    if (name === "meilisearch") expect(await titles("couch")).toEqual(["Velvet Sofa"]);
    else expect((await searchSettings(shop.sql, shop.storeId)).synonyms).toEqual([["sofa", "couch"]]);
    expect(await shop.sql`SELECT FROM bus.outbox WHERE kind = 'search.settings'`).toHaveLength(1);
    expect(await shop.sql`SELECT FROM bus.outbox WHERE kind = 'search.index'`).toHaveLength(0);
  }, 60_000);

  test("that make no sense are refused with their places", async () => {
    const refused = save({
      synonyms: [
        ["sofa", "Sofa"],
        ["a", '")) OR 1=1'],
        ["ok", "fine"],
      ],
      stopWords: ["two words"],
    });
    const error = await refused.then(
      () => null,
      (thrown: { more: { errors: { path: string }[] } }) => thrown.more,
    );
    expect(error?.errors.map(one => one.path)).toEqual(["synonyms.0", "synonyms.1.1", "stopWords.0"]);
    expect(await searchSettings(shop.sql, shop.storeId)).toEqual(none);
  });
});
