/** Orders as their buyers see them. */
import { Elysia, t } from "elysia";
import { notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { storeAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { listening, sseResponse } from "../../http/sse.ts";
import { orderEvents, orderOrQueued, queuedView } from "./orders.queue.ts";
import { orderView } from "./orders.schema.ts";

const params = t.Object({ id: t.String({ maxLength: 200 }) });

export function orderRoutes(deps: ApiDeps) {
  return new Elysia({ prefix: "/store/orders", detail: { tags: ["store"] } })
    .use(storeAuth(deps))
    .get(
      "/:id",
      async ({ access, params }) => {
        const order = await orderOrQueued(deps, access.storeId, params.id);
        if (!order) throw notFound("order");
        return order;
      },
      {
        params,
        detail: { summary: "One order, by its secret id; where it stands while it waits in a queue" },
        response: documented({ 200: t.Union([orderView, queuedView]) }),
      },
    )
    .get(
      "/:id/events",
      async ({ access, params, request }) => {
        const order = await orderOrQueued(deps, access.storeId, params.id);
        if (!order) throw notFound("order");
        const { signal, stop } = listening(request, deps.drain);
        const events = orderEvents(deps, access.storeId, params.id, signal);
        return sseResponse(events, { stop });
      },
      {
        params,
        detail: {
          summary: "What happens to an order (server-sent events)",
          description:
            "`order` now and after each change, with the order as its data; ends when it is completed, cancelled or refused. " +
            "While it waits in a queue: `queue` with each new position.",
        },
      },
    );
}
