/** Stock: levels, their settings, adjustments and the ledger. */
import { Elysia, t } from "elysia";
import {
  adjustStock,
  changeLevels,
  listAdjustments,
  listLevels,
} from "../../../../commerce/inventory/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { optionalKey } from "../../http/idempotency-key.ts";
import { reading } from "../../http/per-node.ts";
import {
  adjustment,
  DEFAULT_PAGE,
  ledgerQuery,
  ledgerView,
  levelChange,
  levelQuery,
  levelView,
  listedLevelView,
  pageView,
} from "./inventory.schema.ts";

export function inventoryRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  const read = reading(deps);
  return new Elysia({ prefix: "/admin/inventory", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .get(
      "/",
      ({ access, query: { limit = DEFAULT_PAGE, low, ...filter } }) =>
        read(db =>
          listLevels(db, access.storeId, {
            ...filter,
            limit,
            ...(low === undefined ? {} : { low: low === "true" }),
          }),
        ),
      {
        query: levelQuery,
        detail: { summary: "Stock levels by variant and location; `low=true`: those to be ordered again" },
        response: documented({ 200: pageView(listedLevelView) }),
      },
    )
    .patch(
      "/:variantId",
      async ({ author, params, body }) => {
        const items = await changeLevels(sql, author, params.variantId, body);
        bus.poke();
        return { items };
      },
      {
        params: t.Object({ variantId: t.String({ maxLength: 200 }) }),
        body: levelChange,
        detail: {
          summary: "Backorder and low-stock threshold of a variant",
          description:
            "Of one location, or of all that have the variant. 409 `backorder_in_use` when more is promised than there is.",
        },
        response: documented({ 200: t.Object({ items: t.Array(levelView) }) }),
      },
    )
    .get(
      "/adjustments",
      ({ access, query: { limit = DEFAULT_PAGE, ...query } }) =>
        read(db => listAdjustments(db, access.storeId, { ...query, limit })),
      {
        query: ledgerQuery,
        detail: { summary: "Every change of stock with its reason and author, latest first" },
        response: documented({ 200: pageView(ledgerView) }),
      },
    )
    .post(
      "/adjustments",
      async ({ author, body, request }) => {
        const key = optionalKey(request.headers);
        const level = await adjustStock(sql, {
          storeId: author.storeId,
          variantId: body.variantId,
          locationId: body.locationId,
          delta: body.delta,
          reason: body.reason.toWellFormed(),
          author: author.actor,
          key: key === null ? null : `api:${key}`,
          route: author.route,
          traceparent: author.traceparent,
        });
        bus.poke();
        return level;
      },
      {
        body: adjustment,
        detail: {
          summary: "Change the stock of a variant",
          description:
            "409 `insufficient_stock` when it would fall under 0 or under what is reserved, `location_inactive`. A header `Idempotency-Key` makes it happen once.",
        },
        response: documented({ 200: levelView }),
      },
    );
}
