import type { Sql } from "../../platform/postgres/index.ts";
import type { Order } from "./model.ts";
import { selectDocument } from "./store.ts";

const POLL_MS = 500;

/** Nothing more happens by itself: what comes now is a merchant's refund, in days. */
function isAtRest({ status, refunds }: Order): boolean {
  return (
    ["refused", "cancelled", "completed"].includes(status) && refunds.every(one => one.status !== "requested")
  );
}

/**
 * The order now and after each change, until it is at rest or gone, or `signal` is aborted. Reads it twice a second rather
 * than listening, so it works on any node and needs no connection of its own.
 */
export async function* watchOrder(
  sql: Sql,
  storeId: string,
  orderId: string,
  { signal, pollMs = POLL_MS }: { signal?: AbortSignal; pollMs?: number } = {},
): AsyncGenerator<Order, void> {
  let seen = "";
  while (!signal?.aborted) {
    const order = await selectDocument(sql, storeId, orderId);
    if (!order) return;
    const now = JSON.stringify(order);
    if (now !== seen) yield order;
    if (isAtRest(order)) return;
    seen = now;
    await Bun.sleep(pollMs);
  }
}
