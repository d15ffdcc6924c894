/** Orders as the back office sees them. */

import { Elysia, t } from "elysia";
import { getOrder, listOrders, orderStatuses } from "../../../../commerce/orders/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import { orderView } from "../store/orders.schema.ts";

const DEFAULT_PAGE = 20;
const MAX_PAGE = 100;

export function adminOrderRoutes(deps: ApiDeps) {
  const { sql } = deps;
  return new Elysia({ prefix: "/admin/orders", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .get(
      "/",
      ({ access, query }) => {
        const { limit = DEFAULT_PAGE, cursor, status } = query;
        return listOrders(sql, access.storeId, { limit, cursor, status });
      },
      {
        query: t.Object(
          {
            limit: t.Optional(t.Integer({ minimum: 1, maximum: MAX_PAGE })),
            cursor: t.Optional(t.String({ minLength: 1, maxLength: 128 })),
            status: t.Optional(oneOf(orderStatuses)),
          },
          { additionalProperties: false },
        ),
        detail: { summary: "Orders, newest first" },
        response: documented({
          200: t.Object({ items: t.Array(orderView), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .get(
      "/:id",
      async ({ access, params }) => {
        const order = await getOrder(sql, access.storeId, params.id);
        if (!order) throw notFound("order");
        return order;
      },
      {
        params: t.Object({ id: t.String({ maxLength: 200 }) }),
        detail: { summary: "One order" },
        response: documented({ 200: orderView }),
      },
    );
}
