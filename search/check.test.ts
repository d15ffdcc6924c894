import { afterEach, beforeEach, expect, test } from "bun:test";
import { newId } from "../platform/ids.ts";
import { EngineModel } from "./engine.model.ts";
import type { IndexedEngine } from "./engine.ts";
import { checkIndex } from "./index.ts";
import { meilisearch, openShop, type Shop } from "./testing.ts";

const real = await meilisearch();
let engine: EngineModel;
let shop: Shop;

beforeEach(async () => {
  engine = new EngineModel();
  shop = await openShop(engine);
}, 120_000);
afterEach(() => shop.close());

const wanted = () => Object.fromEntries([...shop.shelf()].map(([id, { title }]) => [id, title]));
const held = () => Object.fromEntries(engine.titles);

function check(sample?: number, of: Shop = shop, by: IndexedEngine | null = engine) {
  const productIds = async (_sql: unknown, storeId: string, after: string, limit: number) =>
    [...of.shelf(storeId).keys()]
      .filter(id => id > after)
      .sort()
      .slice(0, limit);
  const deps = { sql: of.sql, engine: by, products: of.products, productIds };
  return checkIndex(deps, of.storeId, sample === undefined ? {} : { sample });
}

test("finds nothing and sends nothing where all is well", async () => {
  await shop.stock({ title: "Kettle" }, { title: "Pan" }, { title: "Pot" });
  const sent = engine.sent.length;
  expect(await check()).toEqual({ compared: 3, stale: 0, repaired: 0 });
  expect(engine.sent).toHaveLength(sent);
  expect(await check(undefined, shop, null)).toEqual({ compared: 3, stale: 0, repaired: 0 });
});

test("brings what no event told of: a change, a removal and a new product", async () => {
  const [changed, gone] = (await shop.stock({ title: "Kettle" }, { title: "Pan" })) as [string, string];
  shop.put({ title: "Copper kettle" }, changed);
  shop.shelf().delete(gone);
  shop.put({ title: "Pot" });
  expect(await check()).toMatchObject({ stale: 3, repaired: 0 });
  expect(held()).toEqual(wanted());
});

test("sends again what the engine has otherwise, has lost, or has of nobody", async () => {
  const ids = await shop.stock(...Array.from({ length: 40 }, (_, i) => ({ title: `Thing ${i}` })));
  engine.tamper(shop.storeId, ids[0]!, { title: "by hand", sum: "other" });
  engine.tamper(shop.storeId, ids[1]!, null);
  engine.tamper(shop.storeId, newId("prod"), { title: "of nobody" });
  expect(await check()).toMatchObject({ repaired: 3 });
  expect(held()).toEqual(wanted());
  expect(await check()).toMatchObject({ stale: 0, repaired: 0 });
});

test("that samples a part finds by the counts, and by one difference, what lies outside of it", async () => {
  const ids = await shop.stock(...Array.from({ length: 40 }, (_, i) => ({ title: `Thing ${i}` })));
  for (const id of ids.slice(5, 9)) engine.tamper(shop.storeId, id, null);
  expect(await check(2)).toMatchObject({ repaired: 4 });
  expect(held()).toEqual(wanted());
});

test.skipIf(!real)(
  "has the same checksum of a document as Meilisearch that was sent it whole and in part",
  async () => {
    const ours = await openShop(real);
    try {
      const id = ours.put({ title: "Crème Brûlée", category: "kitchen", sku: "A-1", unitsSold: 4 });
      await ours.index([id, ours.put({ title: "Pan", price: null })]);
      ours.put({ title: "Crème Brûlée", category: "kitchen", sku: "A-1", price: 5 }, id);
      await ours.index([id]);
      expect(await check(undefined, ours, real)).toEqual({ compared: 2, stale: 0, repaired: 0 });
    } finally {
      await ours.close();
    }
  },
  60_000,
);
