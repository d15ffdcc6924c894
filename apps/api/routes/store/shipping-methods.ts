/** What a shop offers to ship with. */
import { Elysia, t } from "elysia";
import { offeredMethods } from "../../../../commerce/shipping/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { storeAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { countryCode, currencyCode } from "../admin/price-lists.schema.ts";

const view = t.Object({
  items: t.Array(
    t.Object({
      id: t.String({ description: "what a cart takes as its shippingMethod" }),
      name: t.String(),
      currency: t.String(),
      amountMinor: t.Integer({ description: "minor units" }),
      countries: t.Array(t.String(), { description: "where it is offered; empty: everywhere" }),
      freeOverMinor: t.Nullable(t.Integer({ description: "free when the goods cost this or more" })),
    }),
  ),
  nextCursor: t.Null(),
});

export function shippingOfferRoutes(deps: ApiDeps) {
  return new Elysia({ prefix: "/store/shipping-methods", detail: { tags: ["store"] } })
    .use(storeAuth(deps))
    .get(
      "/",
      async ({ access, query }) => ({
        items: await offeredMethods(deps.sql, access.storeId, query),
        nextCursor: null,
      }),
      {
        query: t.Object(
          { country: t.Optional(countryCode), currency: t.Optional(currencyCode) },
          { additionalProperties: false },
        ),
        detail: {
          summary: "Shipping methods for a country, cheapest first",
          description: "At most 100. Default currency: the store's. Without a country: all of them.",
        },
        response: documented({ 200: view }),
      },
    );
}
