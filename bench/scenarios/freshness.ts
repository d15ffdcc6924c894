/**
 * How long a changed price takes until a search finds it, in a shop of 20,000 products, while 200 changes arrive a second: from
 * the commit over outbox, summary and index job to the engine's answer. The limit is the rate of the changes: ours is how many a
 * second were found, over the time from the first change to the last one found.
 *
 * Each change gives a product a price that nobody else has; it is found when a search filtered by price shows it.
 * Exact: every change was found.
 */
import { emit } from "../../bus/index.ts";
import { countProducts, productIdsAfter } from "../../commerce/catalog/index.ts";
import { seedProducts } from "../../commerce/demo/index.ts";
import { setPrices } from "../../commerce/pricing/index.ts";
import { searchSources } from "../../commerce/storefront/index.ts";
import { createStore } from "../../commerce/stores/index.ts";
import { type Db, transaction } from "../../platform/postgres/index.ts";
import { type IndexedEngine, openMeilisearch, requestReindex, runReindex } from "../../search/index.ts";
import type { Report, Scenario } from "../scenario.ts";
import { figuresOf, type Measured } from "../stats.ts";

const PRODUCTS = 20_000;
const PER_SECOND = 200;
const TICK_MS = 50;
const POLL_MS = 20;
const TARGET_P95_MS = 2_000;
/** Above every price of the shop; the n-th change sets this + n. */
const BASE_MINOR = 10_000_000;
const PATIENCE_MS = 60_000;

type Sku = { variantId: string; productId: string };

export const freshnessScenario: Scenario = {
  name: "freshness",
  about: "until a changed price is found by search, at 200 changes a second",
  seconds: 20,
  async run(stack, { seconds, quick, say }): Promise<Report> {
    const products = quick ? PRODUCTS / 10 : PRODUCTS;
    const engine = openMeilisearch(await stack.startMeilisearch());
    const store = await createStore(stack.sql, { name: "Bench", currency: "EUR" });
    say(`freshness: a shop of ${products} products`);
    await seedProducts(stack.sql, store, products, { announce: false });
    await stack.sql`VACUUM ANALYZE`;
    const { id } = await requestReindex(stack.sql, { storeId: store.id });
    const deps = {
      sql: stack.sql,
      engine,
      products: searchSources,
      productIds: productIdsAfter,
      countProducts,
    };
    await runReindex(deps, store.id, id);
    await stack.sql`DELETE FROM bus.outbox`;
    await stack.startKeeper();
    await stack.startPool("normal");
    const skus = await stack.sql<Sku[]>`
      SELECT DISTINCT ON (product_id) variant_id AS "variantId", product_id AS "productId" FROM pricing.price
      WHERE store_id = ${store.id} ORDER BY product_id`;
    say("freshness: changes");
    // The first ones meet processes that are still loading.
    let from = 0;
    from += (await measure(stack.sql, engine, store.id, skus, from, 3)).count;
    const measured = await measure(stack.sql, engine, store.id, skus, from, seconds);
    const ours = figuresOf([measured]);
    return {
      runs: 1,
      exact: measured.latenciesMs.length === measured.count,
      ours,
      limit: { name: "the changes that were made", perSecond: PER_SECOND },
      ofLimit: Math.round((ours.perSecond / PER_SECOND) * 100) / 100,
      cases: [
        {
          name: "from commit to found",
          ...ours,
          target: `p95 under ${TARGET_P95_MS} ms`,
          ok: ours.p95Ms! < TARGET_P95_MS,
        },
      ],
      notes: [
        `${products} products, ${measured.count} changes in ${seconds} s, looked for every ${POLL_MS} ms`,
      ],
    };
  },
};

/** Changes prices at the rate for so long; ends when all are found. */
async function measure(
  sql: Db,
  engine: IndexedEngine,
  storeId: string,
  skus: readonly Sku[],
  from: number,
  seconds: number,
): Promise<Measured> {
  const waiting = new Map<number, number>();
  const latenciesMs: number[] = [];
  const count = seconds * PER_SECOND;
  const startedAt = performance.now();
  const perTick = (PER_SECOND * TICK_MS) / 1_000;
  const writer = (async () => {
    for (let done = 0; done < count; done += perTick) {
      const behind = startedAt + (done / PER_SECOND) * 1_000 - performance.now();
      if (behind > 0) await Bun.sleep(behind);
      const changes = Array.from({ length: perTick }, (_, i) => from + done + i);
      await change(sql, storeId, skus, changes);
      for (const n of changes) waiting.set(n, performance.now());
    }
  })();
  let written = false;
  const end = writer.then(() => {
    written = true;
  });
  const deadline = startedAt + seconds * 1_000 + PATIENCE_MS;
  while ((!written || waiting.size > 0) && performance.now() < deadline) {
    for (const n of await found(engine, storeId, waiting)) {
      latenciesMs.push(performance.now() - waiting.get(n)!);
      waiting.delete(n);
    }
    await Bun.sleep(POLL_MS);
  }
  await end;
  return { count, seconds: (performance.now() - startedAt) / 1_000, latenciesMs };
}

/** As a merchant's change does it: the price and the event in one transaction. Each change has a product of its own. */
function change(sql: Db, storeId: string, skus: readonly Sku[], changes: readonly number[]): Promise<void> {
  return transaction(sql, async tx => {
    const prices = changes.map(n => ({
      ...skus[(n * 7) % skus.length]!,
      amountMinor: BASE_MINOR + n,
      compareAtMinor: null,
    }));
    // The lowest price of a product is what search filters by: its other variants go with it.
    await tx`
      UPDATE pricing.price SET amount_minor = ${2 * BASE_MINOR}
      WHERE store_id = ${storeId} AND product_id = ANY(${prices.map(one => one.productId)})`;
    const productIds = await setPrices(tx, storeId, "EUR", prices);
    await emit(
      tx,
      { storeId },
      ...productIds.map(productId => ({ type: "product.changed" as const, productId })),
    );
  });
}

/** Those of the waiting that a search shows. */
async function found(
  engine: IndexedEngine,
  storeId: string,
  waiting: ReadonlyMap<number, number>,
): Promise<number[]> {
  const [first] = waiting.keys();
  if (first === undefined) return [];
  const page = { sort: "price", limit: 1_000, offset: 0, facets: [] } as const;
  const range = { priceMin: BASE_MINOR + Math.min(...waiting.keys()), priceMax: 2 * BASE_MINOR - 1 };
  const { items } = await engine.search(storeId, { q: "", ...page, ...range });
  return items.map(item => item.price!.amountMinor - BASE_MINOR).filter(n => waiting.has(n));
}
