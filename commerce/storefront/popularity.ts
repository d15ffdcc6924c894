/**
 * Popularity is the number of units sold. Each order counts once: it is noted in the statement that counts it, so that a
 * job that comes again finds it noted. Notes are kept as long as a job may come for the order; what is older than
 * that is not counted any more.
 */
import { emit, type Origin } from "../../bus/index.ts";
import { timeOfId } from "../../platform/ids.ts";
import { type Db, type Sql, transaction } from "../../platform/postgres/index.ts";
import { deleteNotes, insertSales } from "./popularity.store.ts";

const DAY_MS = 86_400_000;
/** Notes are kept a little longer than orders are taken, so that clocks may differ. */
const COUNTED_DAYS = 90;
const KEPT_DAYS = COUNTED_DAYS + 2;
const FORGET_BATCH = 10_000;

/** True for an order that is too old to be counted. */
export function isTooOld(orderId: string, now: Date): boolean {
  return timeOfId(orderId) < now.getTime() - COUNTED_DAYS * DAY_MS;
}

/** Counts what these orders sold; those that are counted, or are not placed, add nothing. */
export function countSales(sql: Db, origin: Origin, orderIds: readonly string[]): Promise<void> {
  return transaction(sql, async tx => {
    const productIds = await insertSales(tx, origin.storeId, orderIds);
    await emit(
      tx,
      origin,
      ...productIds.map(productId => ({ type: "popularity.changed" as const, productId })),
    );
  });
}

/** For keepers: forgets the notes of orders for which no job can come any more. */
export function forgetCountedOrders(sql: Sql): Promise<number> {
  return deleteNotes(sql, KEPT_DAYS, FORGET_BATCH);
}
