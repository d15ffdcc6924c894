/**
 * What things cost. Owns `pricing.price` (one base price for each variant and currency, in minor units), `price_list`,
 * `list_entry` and `boundary` (sales and overrides, and the moments at which they open and close), and `store_currency`.
 * Publishes `pricing.resolve_all(items, at)`, `pricing.resolve(store, currency, items, segments, at)` and
 * `pricing.current(store, currency, variants)`: the price of each item and the rule that gave it, in one statement; and
 * `pricing.base_prices(store, variants)` for the back office.
 *
 * Always holds: an amount is an integer of minor units, never negative; which rule wins depends on nothing but the rows
 * and the moment (migrations/0002_price_lists.sql tells the precedence); `version` rises whenever an amount changes; a
 * list that opens or closes, by hand or by the clock, emits `product.changed` for its products exactly once. Who writes
 * base prices emits it for the products that {@link setPrices} returns, in the same transaction.
 */
import type { Sql } from "../../platform/postgres/index.ts";
import type { CurrentPrice, NewPrice } from "./model.ts";
import { deletePrices, selectCurrent, selectNextBoundary, upsertPrices } from "./store.ts";

export { announceBoundaries } from "./announce.ts";
export {
  disableCurrency,
  enableCurrency,
  listCurrencies,
  type SellingCurrency,
  sellsIn,
  sellsInLately,
  storeFacts,
} from "./currencies.ts";
export { changeEntries, listEntries } from "./entries.ts";
export {
  changePriceList,
  createPriceList,
  deletePriceList,
  getPriceList,
  listPriceLists,
  type NewList,
} from "./lists.ts";
export {
  type EntryKey,
  type ListEntry,
  type ListInput,
  listLimits,
  listStatuses,
  listTypes,
  type NewEntry,
  type PriceList,
} from "./model.lists.ts";
export { type CurrentPrice, MAX_PRICE_MINOR, minorDigits, type NewPrice, parseMinor } from "./model.ts";
export { type PriceRequest, type ResolvedPrice, type ResolvedPrices, resolvePrices } from "./resolve.ts";

/** Sets base prices and returns the ids of the products whose price really changed. */
export function setPrices(
  tx: Sql,
  storeId: string,
  currency: string,
  prices: readonly NewPrice[],
): Promise<string[]> {
  return prices.length === 0 ? Promise.resolve([]) : upsertPrices(tx, storeId, currency, prices);
}

/** With variants that are gone for good: their base prices, and their entries in price lists. */
export function forgetPrices(tx: Sql, storeId: string, variantIds: readonly string[]): Promise<void> {
  return variantIds.length === 0 ? Promise.resolve() : deletePrices(tx, storeId, variantIds);
}

/** Milliseconds until the price of one of these variants may change by the clock alone; null: not as things are planned. */
export function nextPriceChangeMs(
  sql: Sql,
  storeId: string,
  variantIds: readonly string[],
): Promise<number | null> {
  return variantIds.length === 0 ? Promise.resolve(null) : selectNextBoundary(sql, storeId, variantIds);
}

/** By variant id; variants without a price in that currency are absent. */
export async function currentPrices(
  sql: Sql,
  storeId: string,
  currency: string,
  variantIds: readonly string[],
): Promise<Map<string, CurrentPrice>> {
  const rows = variantIds.length === 0 ? [] : await selectCurrent(sql, storeId, currency, variantIds);
  return new Map(rows.map(row => [row.variantId, row]));
}
