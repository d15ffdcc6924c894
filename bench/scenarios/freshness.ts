/**
 * How long a changed price takes until a search finds it, in a shop of 20,000 products, while 200 changes arrive a second: from
 * the commit over outbox, summary and index job to the engine's answer. The limit is the rate of the changes: ours is how many a
 * second were found, over the time from the first change to the last one found. Then a sale that opens by the clock while as many
 * arrive, from its moment on; and 1,000 changes a second.
 *
 * Exact: every change was found, and every price of the sale.
 */
import { countProducts, productIdsAfter } from "../../commerce/catalog/index.ts";
import { seedProducts } from "../../commerce/demo/index.ts";
import { searchSources } from "../../commerce/storefront/index.ts";
import { createStore } from "../../commerce/stores/index.ts";
import { openMeilisearch, requestReindex, runReindex } from "../../search/index.ts";
import type { Report, Scenario } from "../scenario.ts";
import type { BenchStack } from "../stack.ts";
import { figuresOf } from "../stats.ts";
import { changing, openingSale, type Shop, type Sku } from "./freshness.changes.ts";

const PRODUCTS = 20_000;
const ON_SALE = 500;
const PER_SECOND = 200;
const AIM_PER_SECOND = 1_000;
const TARGET_P95_MS = 2_000;
const target = `p95 under ${TARGET_P95_MS} ms`;

export const freshnessScenario: Scenario = {
  name: "freshness",
  about: "until a changed price is found by search, at 200 and 1,000 changes a second; a sale that opens",
  seconds: 20,
  async run(stack, { seconds, quick, say }): Promise<Report> {
    const shop = await openShop(stack, quick ? PRODUCTS / 5 : PRODUCTS, say);
    let from = 0;
    const changes = async (perSecond: number, forSeconds: number) => {
      const measured = await changing(shop, { from, perSecond, seconds: forSeconds });
      from += measured.count;
      return measured;
    };
    say("freshness: changes");
    // The first ones meet processes that are still loading.
    await changes(PER_SECOND, 3);
    const steady = await changes(PER_SECOND, seconds);
    say("freshness: a sale that opens");
    const sale = openingSale(shop, quick ? ON_SALE / 5 : ON_SALE, seconds * 250);
    const beside = await changes(PER_SECOND, seconds / 2);
    const opened = await sale;
    say(`freshness: ${AIM_PER_SECOND} changes a second`);
    const aim = await changes(AIM_PER_SECOND, seconds / 2.5);
    const all = [steady, beside, opened, aim];
    const [ours, onSale, most] = [figuresOf([steady]), figuresOf([opened]), figuresOf([aim])];
    return {
      runs: 1,
      exact: all.every(one => one.latenciesMs.length === one.count),
      ours,
      limit: { name: "the changes that were made", perSecond: PER_SECOND },
      ofLimit: Math.round((ours.perSecond / PER_SECOND) * 100) / 100,
      cases: [
        { name: "from commit to found", ...ours, target, ok: ours.p95Ms! < TARGET_P95_MS },
        {
          name: `from the moment that a sale of ${opened.count} products opens`,
          ...onSale,
          target,
          ok: onSale.p95Ms! < TARGET_P95_MS,
        },
        { name: `${AIM_PER_SECOND} changes a second (the aim)`, ...most },
      ],
      notes: [
        `${shop.skus.length} products; ${steady.count} changes, ${beside.count} beside the sale, ${aim.count} at the aim; each of a product of its own`,
      ],
    };
  },
};

async function openShop(stack: BenchStack, products: number, say: (line: string) => void): Promise<Shop> {
  const { sql } = stack;
  const engine = openMeilisearch(await stack.startMeilisearch());
  const store = await createStore(sql, { name: "Bench", currency: "EUR" });
  say(`freshness: a shop of ${products} products`);
  await seedProducts(sql, store, products, { announce: false });
  await sql`VACUUM ANALYZE`;
  const { id } = await requestReindex(sql, { storeId: store.id });
  const deps = { sql, engine, products: searchSources, productIds: productIdsAfter, countProducts };
  await runReindex(deps, store.id, id);
  await sql`DELETE FROM bus.outbox`;
  await stack.startKeeper();
  await stack.startPool("normal");
  const skus = await sql<Sku[]>`
    SELECT DISTINCT ON (product_id) variant_id AS "variantId", product_id AS "productId" FROM pricing.price
    WHERE store_id = ${store.id} ORDER BY product_id`;
  return { sql, engine, storeId: store.id, skus };
}
