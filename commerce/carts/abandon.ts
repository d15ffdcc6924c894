import { emit } from "../../bus/index.ts";
import { type Db, transaction } from "../../platform/postgres/index.ts";
import * as store from "./store.customers.ts";

const BATCH = 500;

/**
 * Tells once of each open cart with lines that nobody has changed for `idleHours` (`cart.abandoned`); for keepers, any number
 * of them. A cart that is changed later can be abandoned again.
 */
export async function abandonCarts(deps: { sql: Db; idleHours: number }): Promise<number> {
  let count = 0;
  for (let found = BATCH; found === BATCH; count += found) {
    found = await transaction(deps.sql, async tx => {
      const carts = await store.markAbandoned(tx, deps.idleHours, BATCH);
      for (const { storeId, cartId } of carts) {
        await emit(tx, { storeId }, { type: "cart.abandoned", cartId });
      }
      return carts.length;
    });
  }
  return count;
}
