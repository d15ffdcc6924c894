/** What a buyer is told of an order that has no row: its place in the queue, or why there never was one. */
import type { Db } from "../../../platform/postgres/index.ts";
import { getOrder, type Order } from "../../orders/index.ts";
import { placeOf, type QueuedOrder, type RefusedOrder } from "./model.ts";
import type { Queue } from "./queue.ts";
import * as store from "./store.ts";

const details: Record<string, string> = {
  out_of_stock: "There is not enough stock for these lines.",
  cart_missing: "There is no such cart.",
  cart_empty: "An empty cart can't be checked out.",
  cart_busy: "Another checkout of this cart came first.",
  cart_completed: "This cart has become an order.",
  price_changed: "The total has changed since the cart was shown; read the cart again.",
  idempotency_key_reused: "This Idempotency-Key was used with another request.",
  failed: "This checkout could not be served. Nothing is charged.",
};

/**
 * The order of an id that a queue gave, whether there is a row of it or not. Null: no queue gave it, or it was forgotten.
 * `queue` undefined: NATS is away, and nobody knows the place.
 */
export async function queuedOrder(
  deps: { sql: Db; queue: Queue | undefined },
  storeId: string,
  id: string,
): Promise<Order | RefusedOrder | QueuedOrder | null> {
  const place = placeOf(id);
  if (!place) return null;
  // Asked before the rows are read: who was not served then has none, and who was has.
  const position = await deps.queue?.position(place).catch(() => undefined);
  const order = await getOrder(deps.sql, storeId, id);
  if (order && order.status !== "refused") return order;
  const outcome = await store.outcomeOf(deps.sql, storeId, id);
  if (outcome?.sameAs === id) return order;
  // The first of the key may have gone past the queue, while NATS was away: then its id names no place.
  if (outcome?.sameAs) {
    const first = outcome.sameAs;
    return placeOf(first) ? queuedOrder(deps, storeId, first) : getOrder(deps.sql, storeId, first);
  }
  if (outcome) {
    const { code, facts } = outcome;
    const refusal = { code, detail: details[code] ?? "This checkout was refused.", ...facts };
    return order ? { ...order, refusal } : { id, status: "refused", refusal };
  }
  // Declined: its payment status says so.
  if (order) return order;
  if (position === null) return null;
  return { id, status: "pending", queue: position ?? { position: 1, estimatedSeconds: 1 } };
}
