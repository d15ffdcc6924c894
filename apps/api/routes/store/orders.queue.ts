/** Orders that wait in a queue of flash mode: what their buyers see before there is any row of them. */
import { t } from "elysia";
import {
  flashOrderPlace,
  type QueuedOrder,
  queuedOrder,
  type RefusedOrder,
} from "../../../../commerce/checkout/index.ts";
import { getOrder, type Order, watchOrder } from "../../../../commerce/orders/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { flashOf } from "../../http/flash.ts";
import { oneOf } from "../../http/one-of.ts";
import type { SseEvent } from "../../http/sse.ts";
import { refusalView } from "./orders.schema.ts";

const POLL_MS = 500;

export const queuedView = t.Object(
  {
    id: t.String({ description: "secret: who has it may see the order" }),
    status: oneOf(["pending", "refused"]),
    queue: t.Optional(
      t.Object({
        position: t.Integer({ description: "1 is served next" }),
        estimatedSeconds: t.Integer(),
      }),
    ),
    refusal: t.Optional(refusalView),
  },
  {
    examples: [
      {
        id: "ord_01jd8x3kq53000000014pn0x9v2c7m4b8t1r6q3w5d",
        status: "pending",
        queue: { position: 812, estimatedSeconds: 2 },
      },
    ],
  },
);

/** The order, or where it stands in its queue, or why there is none; null when nobody knows the id. */
export async function orderOrQueued(
  deps: ApiDeps,
  storeId: string,
  id: string,
): Promise<Order | RefusedOrder | QueuedOrder | null> {
  const order = await getOrder(deps.sql, storeId, id);
  // A queue knows more of those that it refused.
  if (order && order.status !== "refused") return order;
  if (order && !flashOrderPlace(id)) return order;
  const queue = deps.bus.isConnected ? flashOf(deps).queue : undefined;
  return queuedOrder({ sql: deps.sql, queue }, storeId, id);
}

const isQueued = (order: Order | RefusedOrder | QueuedOrder): order is RefusedOrder | QueuedOrder =>
  !("number" in order) || "refusal" in order;

/** `queue` with each new position, then `order` as for every order; ends with `refused`. */
export async function* orderEvents(
  deps: ApiDeps,
  storeId: string,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<SseEvent, void> {
  let seen = "";
  while (!signal.aborted) {
    const order = await orderOrQueued(deps, storeId, id);
    if (!order) return;
    if (!isQueued(order)) {
      for await (const one of watchOrder(deps.sql, storeId, order.id, { signal }))
        yield { event: "order", data: one };
      return;
    }
    const now = JSON.stringify(order);
    if (now !== seen) yield { event: order.status === "pending" ? "queue" : "order", data: order };
    if (order.status === "refused") return;
    seen = now;
    await Bun.sleep(POLL_MS);
  }
}
