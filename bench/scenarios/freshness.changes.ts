/**
 * Changes of prices for `freshness`, and when a search finds them. Each gives a product of its own a price that nobody else has; it is
 * found when a search filtered by price shows it.
 */
import { emit } from "../../bus/index.ts";
import { createPriceList, setPrices } from "../../commerce/pricing/index.ts";
import { type Db, transaction } from "../../platform/postgres/index.ts";
import type { IndexedEngine } from "../../search/index.ts";
import type { Measured } from "../stats.ts";

const TICK_MS = 50;
const POLL_MS = 20;
const PATIENCE_MS = 60_000;
/** Above every price of the shop; the n-th change sets this + n. Prices of the sale are below all. */
const BASE_MINOR = 10_000_000;

export type Sku = { variantId: string; productId: string };
export type Shop = { sql: Db; engine: IndexedEngine; storeId: string; skus: readonly Sku[] };
type Rate = { from: number; perSecond: number; seconds: number };

/** Changes prices at the rate for so long; ends when all are found. */
export async function changing(shop: Shop, { from, perSecond, seconds }: Rate): Promise<Measured> {
  const waiting = new Map<number, number>();
  const latenciesMs: number[] = [];
  const count = Math.round(seconds * perSecond);
  const startedAt = performance.now();
  const perTick = (perSecond * TICK_MS) / 1_000;
  let written = false;
  const writer = (async () => {
    for (let done = 0; done < count; done += perTick) {
      const behind = startedAt + (done / perSecond) * 1_000 - performance.now();
      if (behind > 0) await Bun.sleep(behind);
      const changes = Array.from({ length: Math.min(perTick, count - done) }, (_, i) => from + done + i);
      await change(shop, changes);
      for (const n of changes) waiting.set(n, performance.now());
    }
    written = true;
  })();
  const deadline = startedAt + seconds * 1_000 + PATIENCE_MS;
  while ((!written || waiting.size > 0) && performance.now() < deadline) {
    for (const n of await found(shop, waiting)) {
      latenciesMs.push(performance.now() - waiting.get(n)!);
      waiting.delete(n);
    }
    await Bun.sleep(POLL_MS);
  }
  await writer;
  return { count, seconds: (performance.now() - startedAt) / 1_000, latenciesMs };
}

/** A sale of the last products of the shop that opens in so long; from that moment until each is found by its price. */
export async function openingSale(shop: Shop, products: number, inMs: number): Promise<Measured> {
  const { sql, storeId, engine } = shop;
  const first = shop.skus.length - products;
  const skus = Array.from({ length: products }, (_, i) => skuOf(shop, first + i));
  const opensAt = Date.now() + inMs;
  await createPriceList(
    sql,
    { storeId, actor: "bench" },
    {
      name: "Sale",
      type: "sale",
      status: "active",
      startsAt: new Date(opensAt).toISOString(),
      entries: skus.map(({ variantId }, i) => ({ variantId, amountMinor: i + 1 })),
    },
  );
  await Bun.sleep(opensAt - Date.now());
  const latenciesMs: number[] = [];
  const missing = new Set(skus.map((_, i) => i + 1));
  const page = { q: "", sort: "price", limit: products, offset: 0, facets: [] } as const;
  while (missing.size > 0 && Date.now() < opensAt + PATIENCE_MS) {
    const { items } = await engine.search(storeId, { ...page, priceMax: products });
    for (const item of items)
      if (missing.delete(item.price!.amountMinor)) latenciesMs.push(Date.now() - opensAt);
    await Bun.sleep(POLL_MS);
  }
  return { count: products, seconds: (Date.now() - opensAt) / 1_000, latenciesMs };
}

const skuOf = (shop: Shop, n: number): Sku => shop.skus[(n * 7) % shop.skus.length]!;

/** As a merchant's change does it: the price and the event in one transaction. */
function change(shop: Shop, changes: readonly number[]): Promise<void> {
  const { storeId } = shop;
  return transaction(shop.sql, async tx => {
    const prices = changes.map(n => ({
      ...skuOf(shop, n),
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
async function found(shop: Shop, waiting: ReadonlyMap<number, number>): Promise<number[]> {
  const [first] = waiting.keys();
  if (first === undefined) return [];
  const page = { q: "", sort: "price", limit: 1_000, offset: 0, facets: [] } as const;
  const range = { priceMin: BASE_MINOR + Math.min(...waiting.keys()), priceMax: 2 * BASE_MINOR - 1 };
  const { items } = await shop.engine.search(shop.storeId, { ...page, ...range });
  return items.map(item => item.price!.amountMinor - BASE_MINOR).filter(n => waiting.has(n));
}
