/** Orders as their buyers see them. */
import { Elysia, t } from "elysia";
import { getOrder, type Order, watchOrder } from "../../../../commerce/orders/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { storeAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { type SseEvent, sseResponse } from "../../http/sse.ts";
import { orderView } from "./orders.schema.ts";

const params = t.Object({ id: t.String({ maxLength: 200 }) });

async function* eventsOf(orders: AsyncIterable<Order>): AsyncGenerator<SseEvent, void> {
  for await (const order of orders) yield { event: "order", data: order };
}

export function orderRoutes({ sql, ...deps }: ApiDeps) {
  return new Elysia({ prefix: "/store/orders", detail: { tags: ["store"] } })
    .use(storeAuth({ sql, ...deps }))
    .get(
      "/:id",
      async ({ access, params }) => {
        const order = await getOrder(sql, access.storeId, params.id);
        if (!order) throw notFound("order");
        return order;
      },
      {
        params,
        detail: { summary: "One order, by its secret id" },
        response: documented({ 200: orderView }),
      },
    )
    .get(
      "/:id/events",
      async ({ access, params, request }) => {
        const order = await getOrder(sql, access.storeId, params.id);
        if (!order) throw notFound("order");
        const gone = new AbortController();
        const signal = AbortSignal.any([gone.signal, request.signal]);
        const changes = watchOrder(sql, access.storeId, order.id, { signal });
        return sseResponse(eventsOf(changes), { stop: () => gone.abort() });
      },
      {
        params,
        detail: {
          summary: "What happens to an order (server-sent events)",
          description:
            "`order` now and after each change, with the order as its data; ends when it is completed, cancelled or refused.",
        },
      },
    );
}
