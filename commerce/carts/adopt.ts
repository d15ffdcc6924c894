/**
 * Logging in with a cart: the guest's cart becomes the customer's, or its lines move into the one that the customer has.
 *
 * One transaction under a lock per customer, so that two log-ins at once follow each other. Repeatable: a cart that is the
 * customer's already is given as it is, and lines that have moved are not there to move again. A cart that is another
 * customer's, unknown, or being checked out is left alone; logging in does not fail for it.
 */
import { Problem } from "../../platform/errors.ts";
import { isId } from "../../platform/ids.ts";
import { type Db, type Tx, transaction } from "../../platform/postgres/index.ts";
import { type Cart, limits } from "./model.ts";
import { show } from "./service.ts";
import * as owned from "./store.customers.ts";
import * as store from "./store.ts";

/** The cart that the customer goes on with; null when there is none. */
export async function adoptCart(
  sql: Db,
  storeId: string,
  customerId: string,
  guestCartId?: string | undefined,
): Promise<Cart | null> {
  const guestId = guestCartId !== undefined && isId("cart", guestCartId) ? guestCartId : null;
  if (guestId !== null) {
    const merged = await transaction(sql, tx => merge(tx, storeId, customerId, guestId)).catch(error => {
      // More than a cart may hold: both stay as they are.
      if (error instanceof Problem) return null;
      throw error;
    });
    if (merged) return merged;
  }
  const own = await owned.selectOpenCartOf(sql, storeId, customerId, null);
  return own === null ? null : show(sql, storeId, own);
}

/** Null when there was nothing to merge. @throws Problem 422 when the sum would be too large. */
async function merge(tx: Tx, storeId: string, customerId: string, guestId: string): Promise<Cart | null> {
  await owned.lockCustomer(tx, storeId, customerId);
  const guest = await store.selectCart(tx, storeId, guestId);
  if (guest?.status !== "open") return null;
  if (guest.customerId !== null) return guest.customerId === customerId ? show(tx, storeId, guestId) : null;
  const ownId = await owned.selectOpenCartOf(tx, storeId, customerId, guest.currency);
  // In the order of all flows that lock carts.
  for (const id of [guestId, ...(ownId ? [ownId] : [])].toSorted()) {
    const open = await store.touchOpen(tx, storeId, id);
    if (!open || (id === guestId && open.customerId !== null)) return null;
  }
  if (ownId === null) {
    await owned.setCustomer(tx, storeId, guestId, customerId);
    return show(tx, storeId, guestId);
  }
  await owned.moveLines(tx, storeId, { from: guestId, to: ownId }, limits);
  await owned.fillBlanks(tx, storeId, { from: guestId, to: ownId });
  await show(tx, storeId, guestId);
  const cart = await show(tx, storeId, ownId);
  if (cart && cart.totalMinor > limits.totalMinor)
    throw new Problem(422, "invalid", "The carts don't fit in one.");
  return cart;
}
