/** Prices of many items at once, each with the rule that gave it (migrations/0002_price_lists.sql tells which wins). */
import { type FieldError, invalid, notFound } from "../../platform/errors.ts";
import type { Db } from "../../platform/postgres/index.ts";
import { sellsInLately, storeFacts } from "./currencies.ts";
import { selectResolved } from "./store.ts";

export type PriceRequest = {
  /** Default: the store's. */
  currency?: string | undefined;
  items: readonly { variantId: string; quantity: number }[];
  /** The segments that the buyer is in. */
  segmentIds?: readonly string[] | undefined;
  /** Price products too that are not for sale (yet); for the back office. */
  unpublished?: boolean;
};

export type ResolvedPrice = {
  variantId: string;
  quantity: number;
  /** For one; null, and source too: it has no price in this currency. */
  amountMinor: number | null;
  compareAtMinor: number | null;
  source: string | null;
};

export type ResolvedPrices = { currency: string; items: ResolvedPrice[] };

/** In the order of the items. @throws Problem 422 for a currency or variants that this store does not sell. */
export async function resolvePrices(
  sql: Db,
  storeId: string,
  request: PriceRequest,
): Promise<ResolvedPrices> {
  const shop = await storeFacts(sql, storeId);
  if (!shop) throw notFound("store");
  const currency = request.currency ?? shop.currency;
  if (!(await sellsInLately(sql, shop, currency))) {
    throw invalid([{ path: "currency", message: `this store does not sell in ${currency}` }]);
  }
  const rows = await selectResolved(sql, storeId, currency, request.items, request.segmentIds ?? []);
  const errors: FieldError[] = rows.flatMap((row, i) =>
    row.status === "active" || (request.unpublished && row.status !== null)
      ? []
      : [{ path: `items.${i}.variantId`, message: "is no variant that this store sells" }],
  );
  if (errors.length > 0) throw invalid(errors.slice(0, 20));
  return { currency, items: rows.map(({ status: _, ...row }) => row) };
}
