/**
 * Popularity is the number of units sold. Counting is one thing, and what lists sort by another: that follows every few
 * seconds ({@link showPopularity}), as six indexes of each list that a product is in hold it. What search ranks by follows
 * every minute ({@link rankPopularity}). Each step notes the next in its transaction, so a crash loses none.
 * Each order counts once: it is noted in the statement that counts it, so that a
 * job that comes again finds it noted. Notes are kept as long as a job may come for the order; what is older than
 * that is not counted any more.
 */
import { emit } from "../../bus/index.ts";
import { timeOfId } from "../../platform/ids.ts";
import { type Db, type Sql, transaction } from "../../platform/postgres/index.ts";
import { lockGroups } from "../catalog/index.ts";
import {
  deleteNotes,
  insertSales,
  markUnranked,
  type Sold,
  selectDirtyStores,
  selectUnrankedStores,
  takeUnranked,
  writePopularity,
} from "./popularity.store.ts";

const DAY_MS = 86_400_000;
/** Notes are kept a little longer than orders are taken, so that clocks may differ. */
const COUNTED_DAYS = 90;
const KEPT_DAYS = COUNTED_DAYS + 2;
const FORGET_BATCH = 10_000;
const SHOWN_BATCH = 500;
const MAX_OF_EVENT = 1_000;

/** True for an order that is too old to be counted. */
export function isTooOld(orderId: string, now: Date): boolean {
  return timeOfId(orderId) < now.getTime() - COUNTED_DAYS * DAY_MS;
}

/** Counts what these orders sold; those that are counted, or are not placed, add nothing. */
export function countSales(sql: Db, storeId: string, orderIds: readonly string[]): Promise<void> {
  return transaction(sql, async tx => {
    const counted = await insertSales(tx, storeId, orderIds);
    for (let at = 0; at < counted.length; at += MAX_OF_EVENT)
      await emit(tx, { storeId }, { type: "sales.counted", orderIds: counted.slice(at, at + MAX_OF_EVENT) });
  });
}

/**
 * What search ranks by: 0 and up, about four times the logarithm of the units, so that it does not move with each order.
 */
export function popularityRank(units: number): number {
  return Math.round(4 * Math.log2(1 + Math.max(0, units)));
}

/**
 * For keepers: has lists sort by what was sold meanwhile; returns for how many products. Under the lock of groups, as all
 * that writes lists. Those whose rank is another one now are noted for {@link rankPopularity}.
 */
export async function showPopularity(sql: Db): Promise<number> {
  let shown = 0;
  for (const storeId of await selectDirtyStores(sql)) {
    for (let step = SHOWN_BATCH; step === SHOWN_BATCH; shown += step) {
      step = await transaction(sql, async tx => {
        await lockGroups(tx, storeId);
        const sold = await writePopularity(tx, storeId, SHOWN_BATCH);
        const anew = sold.filter(isRankedAnew).map(one => one.productId);
        if (anew.length > 0) await markUnranked(tx, storeId, anew);
        if (sold.length > 0) await emit(tx, { storeId }, { type: "popularity.shown" });
        return sold.length;
      });
    }
  }
  return shown;
}

/**
 * For keepers: has search rank by what was sold meanwhile; returns how many products. Less often than lists, as it is a job and
 * a document for each of them, and the products of a sale that has just begun change their rank with every few units.
 */
export async function rankPopularity(sql: Db): Promise<number> {
  let ranked = 0;
  for (const storeId of await selectUnrankedStores(sql)) {
    for (let step = SHOWN_BATCH; step === SHOWN_BATCH; ranked += step) {
      step = await transaction(sql, async tx => {
        const ids = await takeUnranked(tx, storeId, SHOWN_BATCH);
        const events = ids.map(productId => ({ type: "summary.changed" as const, productId }));
        await emit(tx, { storeId }, ...events);
        return ids.length;
      });
    }
  }
  return ranked;
}

const isRankedAnew = ({ units, before }: Sold) =>
  before !== null && popularityRank(units) !== popularityRank(before);

/** For keepers: forgets the notes of orders for which no job can come any more. */
export function forgetCountedOrders(sql: Sql): Promise<number> {
  return deleteNotes(sql, KEPT_DAYS, FORGET_BATCH);
}
