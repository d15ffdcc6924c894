/**
 * What things cost. Owns `pricing.price`: one base price for each variant and currency, in minor units.
 * Publishes `pricing.current(store, currency, variants)`, which checkouts call inside their transaction, and
 * `pricing.floors(store, currency)`, the lowest price of each product.
 *
 * Always holds: an amount is an integer of minor units, never negative; `version` rises whenever the amount changes, so
 * a checkout can tell that a price is still the one that its customer saw. Who writes a price emits `product.changed`
 * for the products that {@link setPrices} returns, in the same transaction.
 */
import type { Sql } from "../../platform/postgres/index.ts";
import type { CurrentPrice, NewPrice } from "./model.ts";
import { selectCurrent, upsertPrices } from "./store.ts";

export {
  disableCurrency,
  enableCurrency,
  listCurrencies,
  type SellingCurrency,
  sellsIn,
} from "./currencies.ts";
export { type CurrentPrice, MAX_PRICE_MINOR, minorDigits, type NewPrice, parseMinor } from "./model.ts";

/** Sets base prices and returns the ids of the products whose price really changed. */
export function setPrices(
  tx: Sql,
  storeId: string,
  currency: string,
  prices: readonly NewPrice[],
): Promise<string[]> {
  return prices.length === 0 ? Promise.resolve([]) : upsertPrices(tx, storeId, currency, prices);
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
