/**
 * The stock that lists show. Each order changes it, so it is written by itself: one statement for hundreds of products that
 * reads their stock as it is and writes it into their summaries, with nothing else of them read or composed.
 *
 * Under the lock of groups like {@link summarise}, and for the same reason: who reads later writes later. A product that
 * has no summary (yet) is left alone; whoever makes it one reads the stock then.
 */
import { emit, type Origin } from "../../bus/index.ts";
import { type Db, transaction } from "../../platform/postgres/index.ts";
import { lockGroups } from "../catalog/index.ts";
import { updateStock } from "./restock.store.ts";

/** Products of one transaction. */
const STEP = 500;

/** Brings the shown stock of these products up to date and tells who follows it (search). */
export async function restock(sql: Db, origin: Origin, productIds: readonly string[]): Promise<void> {
  const ids = [...new Set(productIds)];
  for (let from = 0; from < ids.length; from += STEP) {
    const some = ids.slice(from, from + STEP);
    await transaction(sql, async tx => {
      await lockGroups(tx, origin.storeId);
      const changed = await updateStock(tx, origin.storeId, some);
      if (changed.length > 0) await emit(tx, origin, { type: "stock.shown", productIds: changed });
    });
  }
}
