/** A merchant's figures at a glance. */
import { Elysia, t } from "elysia";
import { askDashboard, type Dashboard } from "../../cache/dashboard.ts";
import { giving } from "../../cache/given.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";

const DEFAULT_DAYS = 30;
const MAX_DAYS = 90;

const dashboard = t.Object({
  from: t.String({ format: "date" }),
  to: t.String({ format: "date" }),
  asOf: t.String({ format: "date-time", description: "when it was added up" }),
  sales: t.Array(
    t.Object({
      currency: t.String(),
      orders: t.Integer({ description: "placed and not cancelled" }),
      revenueMinor: t.Integer({ description: "what they came to, less refunds" }),
      days: t.Array(t.Object({ day: t.String(), orders: t.Integer(), revenueMinor: t.Integer() })),
    }),
  ),
  bestSellers: t.Array(t.Object({ productId: t.String(), title: t.String(), units: t.Integer() })),
  lowStock: t.Array(
    t.Object({
      variantId: t.String(),
      productId: t.String(),
      sku: t.Nullable(t.String()),
      title: t.Nullable(t.String()),
      locationId: t.String(),
      available: t.Integer(),
      lowThreshold: t.Nullable(t.Integer()),
    }),
  ),
  searches: t.Object({
    searches: t.Integer(),
    withoutResult: t.Integer(),
    popular: t.Array(t.Object({ query: t.String(), searches: t.Integer() })),
  }),
});

export function dashboardRoutes(deps: ApiDeps) {
  const give = giving(deps);
  return new Elysia({ prefix: "/admin", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .get(
      "/dashboard",
      ({ access: { storeId }, query: { days = DEFAULT_DAYS }, request, set }) =>
        give<Dashboard>(
          { request, set, storeId, route: "/admin/dashboard" },
          askDashboard(deps, storeId, days),
        ),
      {
        detail: {
          summary: "Sales by day, best sellers, low stock, searches",
          description:
            "By UTC days, today included. Added up at most once in five minutes, or a little later while somebody looks: `asOf` says when.",
        },
        query: t.Object(
          { days: t.Optional(t.Integer({ minimum: 1, maximum: MAX_DAYS, description: "default 30" })) },
          { additionalProperties: false },
        ),
        response: documented({ 200: dashboard }),
      },
    );
}
