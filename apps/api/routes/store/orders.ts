/** Orders as their buyers see them. */
import { Elysia, t } from "elysia";
import { getOrder } from "../../../../commerce/orders/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { storeAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { orderView } from "./orders.schema.ts";

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
        params: t.Object({ id: t.String({ maxLength: 200 }) }),
        detail: { summary: "One order, by its secret id" },
        response: documented({ 200: orderView }),
      },
    );
}
