/** What the model of the engine (engine.model.ts) takes for granted, and what only the real one can show. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Meilisearch } from "meilisearch";
import { testServers } from "../../platform/testing/index.ts";
import { IndexMissing, type SearchQuery } from "../engine.ts";
import { meilisearch, openShop, type Shop } from "../testing.ts";
import { looksLikeCode } from "./meilisearch.query.ts";
import { settings } from "./meilisearch.settings.ts";
import { indexUid } from "./meilisearch.ts";

const engine = await meilisearch();
const { meiliUrl, meiliKey } = await testServers();
const everything: SearchQuery = { q: "", limit: 100, offset: 0, facets: [] };

describe.skipIf(!engine)("Meilisearch", () => {
  const client = new Meilisearch({ host: meiliUrl ?? "http://127.0.0.1:1", apiKey: meiliKey ?? "" });
  let shop: Shop;
  beforeEach(async () => {
    shop = await openShop(engine);
  }, 120_000);
  afterEach(() => shop.close());

  const titles = async () =>
    (await engine!.search(shop.storeId, everything)).items.map(item => item.title).sort();

  test("refuses a whole task for one bad document, which then fails alone", async () => {
    const bad = "prod not an id";
    const ids = [
      shop.put({ title: "Kettle" }),
      shop.put({ title: "Broken" }, bad),
      shop.put({ title: "Pan" }),
    ];
    const outcomes = await shop.index(ids);
    expect(outcomes.get(bad)).toMatchObject({
      type: "refused",
      error: expect.stringContaining("identifier"),
    });
    expect(outcomes.get(ids[0]!)).toEqual({ type: "indexed" });
    expect(await titles()).toEqual(["Kettle", "Pan"]);
  }, 120_000);

  test("runs the tasks of many indexers so that the last state of each product remains", async () => {
    const ids = Array.from({ length: 5 }, () => shop.put({ title: "first" }));
    const shopkeeper = async (name: string) => {
      for (let i = 0; i < 4; i++) {
        const some = ids.filter(() => Math.random() < 0.6);
        for (const id of some) {
          if (Math.random() < 0.3) shop.shelf().delete(id);
          else shop.put({ title: `${name} ${i} ${id}` }, id);
        }
        await shop.index(some);
      }
    };
    await Promise.all(["Ann", "Bob", "Cleo"].map(shopkeeper));
    expect(await titles()).toEqual([...shop.shelf().values()].map(({ title }) => title).sort());
  }, 60_000);

  test("gets this program's settings when an older one left others", async () => {
    const ids = await shop.stock({ title: "Kettle", sku: "KET-001" });
    const index = client.index(indexUid(shop.storeId));
    await index.updateSettings({ searchableAttributes: ["title"] }).waitTask({ timeout: 30_000 });
    await shop.sql`UPDATE search.index SET settings_hash = 'older'`;
    shop.put({ title: "Kettle", sku: "KET-002" }, ids[0]);
    await shop.index(ids);
    expect((await index.getSettings()).searchableAttributes).toEqual(settings.searchableAttributes!);
    await shop.index(ids);
    const [row] = await shop.sql`SELECT identity, settings_task FROM search.index`;
    expect(row).toEqual({ identity: expect.any(String), settings_task: null });
  }, 60_000);

  test("says that an index is missing, and is given its documents again after it was emptied", async () => {
    expect(engine!.search(shop.storeId, everything)).rejects.toBeInstanceOf(IndexMissing);
    const ids = await shop.stock({ title: "Kettle" }, { title: "Pan" });
    await shop.index([ids[0]!]);
    await client.deleteIndex(indexUid(shop.storeId)).waitTask({ timeout: 30_000 });
    await shop.index([ids[0]!]);
    expect(await shop.sql`SELECT key FROM bus.outbox WHERE kind = 'search.index'`).toMatchObject([
      { key: `product:${ids[1]}` },
    ]);
    await shop.index([ids[1]!]);
    expect(await titles()).toEqual(["Kettle", "Pan"]);
  }, 60_000);

  test("tells articles' codes from words", () => {
    expect(["BEA-ESS-ESS-001", "5784719087687", "ab12"].every(looksLikeCode)).toBe(true);
    expect(["mascara", "t-shirt", "size 42", "a1", ""].some(looksLikeCode)).toBe(false);
  });
});
