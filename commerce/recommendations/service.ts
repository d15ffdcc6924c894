import { type Db, type Sql, transaction } from "../../platform/postgres/index.ts";
import { addPairs, deleteNotes, noteOrders, selectTogether } from "./store.ts";

/** Of an order with more products the first ones count: pairs grow with the square. */
export const MAX_OF_ORDER = 30;
/** The most frequent companions of a product, among which the likeliest are chosen. */
export const MAX_COMPARED = 200;
/** Orders in one transaction. */
const AT_ONCE = 200;
const KEPT_DAYS = 92;
const FORGET_BATCH = 10_000;

/**
 * Counts these orders; those that are counted already, or are not placed, add nothing. Each portion is a transaction with
 * its notes, so after a crash in between the job counts the rest.
 */
export async function learnOrders(sql: Db, storeId: string, orderIds: readonly string[]): Promise<void> {
  const sorted = [...new Set(orderIds)].toSorted();
  for (let at = 0; at < sorted.length; at += AT_ONCE) {
    await transaction(sql, async tx => {
      const fresh = await noteOrders(tx, storeId, sorted.slice(at, at + AT_ONCE));
      if (fresh.length > 0) await addPairs(tx, storeId, fresh, MAX_OF_ORDER);
    });
  }
}

/**
 * Products that were bought together with this one, likeliest first. What everybody buys goes with everything: the number
 * of common orders is divided by the square root of the other product's (cosine).
 */
export function boughtTogether(
  sql: Sql,
  storeId: string,
  productId: string,
  limit: number,
): Promise<string[]> {
  return selectTogether(sql, storeId, productId, { compared: MAX_COMPARED, limit });
}

/** Forgets the notes of orders for which no job can come any more. */
export function forgetLearned(sql: Sql): Promise<number> {
  return deleteNotes(sql, KEPT_DAYS, FORGET_BATCH);
}
