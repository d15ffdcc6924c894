/** Orders as the back office sees them, and what it does with them. */
import { Elysia, t } from "elysia";
import type { Author } from "../../../../commerce/audit/index.ts";
import {
  type ActionDeps,
  type ActionResult,
  cancelOrder,
  fulfilOrder,
  getOrder,
  listOrders,
  type Order,
  refundOrder,
  timelineOf,
} from "../../../../commerce/orders/index.ts";
import { openProviders } from "../../../../commerce/payments/index.ts";
import { conflict, notFound } from "../../../../platform/errors.ts";
import type { Db } from "../../../../platform/postgres/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { optionalKey } from "../../http/idempotency-key.ts";
import { reading } from "../../http/per-node.ts";
import { orderView } from "../store/orders.schema.ts";
import {
  cancelBody,
  fulfilmentBody,
  orderQuery,
  refundBody,
  timelineQuery,
  timelineView,
} from "./orders.schema.ts";

const DEFAULT_PAGE = 20;
const params = t.Object({ id: t.String({ maxLength: 200 }) });

type Set = { status?: number | string; headers: Record<string, string | number> };

/** 202 while the payment provider has not confirmed: the keeper goes on asking. */
function answer({ status, error, replayed, order }: ActionResult, created: number, set: Set): Order {
  if (status === "failed") throw conflict("payment_refused", `It was not done: ${error}.`, { order });
  set.status = status === "requested" ? 202 : created;
  if (replayed) set.headers["idempotency-replayed"] = "true";
  return order;
}

const description = (more: string) =>
  `A header \`Idempotency-Key\` makes it happen once; 422 \`idempotency_key_reused\`. 202 while the payment provider has not confirmed; 409 \`payment_refused\`, \`order_state\`. ${more}`;

const keyHeader = {
  in: "header" as const,
  name: "Idempotency-Key",
  required: false,
  schema: { type: "string" as const, minLength: 1, maxLength: 255 },
};

export function adminOrderRoutes(deps: ApiDeps) {
  const { sql } = deps;
  const read = reading(deps);
  const actions: ActionDeps = {
    sql,
    log: deps.log,
    bus: deps.bus,
    providers: openProviders(sql, deps.config),
  };
  const asked = (author: Author, id: string, request: Request) => ({
    author,
    orderId: id,
    key: optionalKey(request.headers),
  });

  async function find(db: Db, storeId: string, id: string): Promise<Order> {
    const order = await getOrder(db, storeId, id);
    if (!order) throw notFound("order");
    return order;
  }

  return new Elysia({ prefix: "/admin/orders", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .get(
      "/",
      ({ access, query: { limit = DEFAULT_PAGE, from, until, ...filter } }) =>
        read(db =>
          listOrders(db, access.storeId, {
            ...filter,
            limit,
            from: from === undefined ? undefined : new Date(from),
            until: until === undefined ? undefined : new Date(until),
          }),
        ),
      {
        query: orderQuery,
        detail: { summary: "Orders, newest first" },
        response: documented({
          200: t.Object({ items: t.Array(orderView), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .get("/:id", ({ access, params }) => find(sql, access.storeId, params.id), {
      params,
      detail: { summary: "One order" },
      response: documented({ 200: orderView }),
    })
    .get(
      "/:id/timeline",
      ({ access: { storeId }, params, query: { limit = DEFAULT_PAGE, cursor } }) =>
        read(async db => timelineOf(db, storeId, await find(db, storeId, params.id), { limit, cursor })),
      {
        params,
        query: timelineQuery,
        detail: { summary: "What happened to an order, in order" },
        response: documented({ 200: timelineView }),
      },
    )
    .post(
      "/:id/cancel",
      async ({ author, params, body, request, set }) =>
        answer(await cancelOrder(actions, asked(author, params.id, request), body ?? {}), 200, set as Set),
      {
        params,
        body: cancelBody,
        detail: {
          summary: "Cancel an order of which nothing was sent",
          description: description(
            "The payment is voided or refunded and the stock comes back. 409 `in_progress` while a refund or fulfilment is under way.",
          ),
          parameters: [keyHeader],
        },
        response: documented({ 200: orderView, 202: orderView }),
      },
    )
    .post(
      "/:id/refunds",
      async ({ author, params, body, request, set }) =>
        answer(await refundOrder(actions, asked(author, params.id, request), body ?? {}), 201, set as Set),
      {
        params,
        body: refundBody,
        detail: {
          summary: "Refund lines, shipping, a free amount, or all that is left",
          description: description(
            "Tax of the lines goes back with them. 409 `refund_exceeds_remaining`, `lines_exceed_order`, `nothing_to_refund`.",
          ),
          parameters: [keyHeader],
        },
        response: documented({ 201: orderView, 202: orderView }),
      },
    )
    .post(
      "/:id/fulfilments",
      async ({ author, params, body, request, set }) =>
        answer(await fulfilOrder(actions, asked(author, params.id, request), body ?? {}), 201, set as Set),
      {
        params,
        body: fulfilmentBody,
        detail: {
          summary: "Send lines, or all that is left",
          description: description(
            "The first one captures the payment; the buyer gets a mail. 409 `lines_exceed_order`, `nothing_to_fulfil`.",
          ),
          parameters: [keyHeader],
        },
        response: documented({ 201: orderView, 202: orderView }),
      },
    );
}
