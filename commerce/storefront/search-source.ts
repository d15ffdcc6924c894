/** Products as search indexes them: what shops see, and what only ranking and filters look at. */
import type { Sql } from "../../platform/postgres/index.ts";
import { categoryPaths } from "../catalog/index.ts";
import { currentPrices, listCurrencies } from "../pricing/index.ts";
import { compose, currencyOf } from "./documents.ts";
import type { ProductDocument } from "./model.ts";
import { selectPopularity } from "./summary.store.ts";

type Named = { id: string; handle: string; title: string };

export type PriceRange = { min: number; max: number };

export type SearchSource = ProductDocument & {
  /** For each category of the product the way to it, from the root down, itself included. */
  branches: Named[][];
  /** Lowest and highest price of the variants by currency, minor units; currencies without a price are absent. */
  priceRanges: Record<string, PriceRange>;
  unitsSold: number;
};

/** As `productDocuments`; the number of statements depends on the store's currencies, not on the products. */
export async function searchSources(
  sql: Sql,
  storeId: string,
  ids: readonly string[],
): Promise<SearchSource[]> {
  const currency = await currencyOf(sql, storeId);
  const composed = await compose(sql, storeId, ids, { currency, collections: "computed" });
  if (composed.length === 0) return [];
  const documents = composed.map(one => one.document);
  const categoryIds = new Set(composed.flatMap(({ record }) => record.categories.map(one => one.id)));
  const [branches, sold, prices] = await Promise.all([
    categoryPaths(sql, storeId, [...categoryIds]),
    selectPopularity(sql, storeId, ids),
    otherPrices(sql, { id: storeId, currency }, documents),
  ]);
  return documents.map(document => ({
    ...document,
    branches: document.categories.map(one => branches.get(one.id) ?? [one]),
    priceRanges: rangesOf(document, prices),
    unitsSold: sold.get(document.id) ?? 0,
  }));
}

type Prices = ReadonlyMap<string, ReadonlyMap<string, { amountMinor: number }>>;

/** By currency and variant, for the currencies beside the store's own. */
async function otherPrices(
  sql: Sql,
  shop: { id: string; currency: string },
  documents: readonly ProductDocument[],
): Promise<Prices> {
  const variantIds = documents.flatMap(document => document.variants.map(variant => variant.id));
  const others = (await listCurrencies(sql, shop)).filter(one => !one.isDefault);
  const pairs = others.map(
    async ({ code }) => [code, await currentPrices(sql, shop.id, code, variantIds)] as const,
  );
  return new Map(await Promise.all(pairs));
}

function rangesOf({ variants }: ProductDocument, others: Prices): Record<string, PriceRange> {
  const amounts = new Map<string, number[]>();
  const add = (currency: string, amount: number) =>
    amounts.set(currency, [...(amounts.get(currency) ?? []), amount]);
  for (const { id, price } of variants) {
    if (price) add(price.currency, price.amountMinor);
    for (const [currency, prices] of others) {
      const other = prices.get(id);
      if (other) add(currency, other.amountMinor);
    }
  }
  const ranges = [...amounts].map(([currency, all]) => [
    currency,
    { min: Math.min(...all), max: Math.max(...all) },
  ]);
  return Object.fromEntries(ranges);
}
