/**
 * Who hears of a price list. A change says what it changes at its own moment (the list is open before or after it); the
 * moments to come are rows of `pricing.boundary`, and {@link announceBoundaries} takes each when it has passed. Both go by
 * the clock of their transaction, so a moment is either past for the change or a row, never both and never neither.
 *
 * Crashes: each of the two is one transaction. A row that was taken by a transaction that died is there again.
 */
import { type Bus, emit, type Origin } from "../../bus/index.ts";
import { type Db, type Tx, transaction } from "../../platform/postgres/index.ts";
import * as store from "./store.lists.ts";

/** Jobs written by one statement. */
const EMIT_BATCH = 1_000;
/** Moments announced in one transaction. */
const BOUNDARY_BATCH = 10;

/**
 * Announces lists that have opened or closed by the clock, each moment once, and returns how many. For keepers, every
 * second; any number may run.
 */
export async function announceBoundaries(deps: {
  sql: Db;
  bus?: Pick<Bus, "poke"> | undefined;
}): Promise<number> {
  let total = 0;
  for (;;) {
    const taken = await transaction(deps.sql, async tx => {
      const due = await store.takeBoundaries(tx, BOUNDARY_BATCH);
      for (const { storeId, listId } of due) {
        await announce(tx, { storeId }, await store.selectListProducts(tx, storeId, listId));
      }
      return due.length;
    });
    total += taken;
    if (taken < BOUNDARY_BATCH) break;
  }
  if (total > 0) deps.bus?.poke();
  return total;
}

/** A list that is not open was changed: nothing costs anything else now, but may at other moments. */
export async function announcePlans(tx: Tx, origin: Origin, productIds: readonly string[]): Promise<void> {
  if (productIds.length > 0) await emit(tx, origin, { type: "prices.planned", productIds: [...productIds] });
}

export async function announce(tx: Tx, origin: Origin, productIds: readonly string[]): Promise<void> {
  for (let i = 0; i < productIds.length; i += EMIT_BATCH) {
    const events = productIds
      .slice(i, i + EMIT_BATCH)
      .map(productId => ({ type: "product.changed" as const, productId }));
    await emit(tx, origin, ...events);
  }
}
