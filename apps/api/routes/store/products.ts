/** The shop's products. */

import { Elysia, t } from "elysia";
import {
  MAX_PAGE,
  type ProductDocument,
  type ProductPage,
  productSorts,
} from "../../../../commerce/storefront/index.ts";
import { askList, askProduct } from "../../cache/catalog.ts";
import { giving } from "../../cache/given.ts";
import type { ApiDeps } from "../../deps.ts";
import { storeAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import { productSummaryView, productView } from "./products.schema.ts";

/** Refuses what Postgres can't hold in a text. */
const word = (max: number) => t.String({ minLength: 1, maxLength: max, pattern: "^[^\\u0000]*$" });

export function productRoutes(deps: ApiDeps) {
  const give = giving(deps);
  return new Elysia({ prefix: "/store/products", detail: { tags: ["store"] } })
    .use(storeAuth(deps))
    .get(
      "/",
      ({ access: { storeId }, query, request, set }) =>
        give<ProductPage>(
          { request, set, storeId, route: "/store/products/" },
          askList(deps, storeId, query),
        ),
      {
        detail: {
          summary: "Products of the shop",
          description:
            "`category` and `collection` take an id or a handle; a category shows what is below it too. `price` sorts by the lowest price of a product, `-price` by it downwards, `popularity` by units sold, `position` as a collection was arranged (its default; elsewhere `newest`). What changes shows within a second or two.",
        },
        query: t.Object(
          {
            category: t.Optional(word(255)),
            collection: t.Optional(word(255)),
            q: t.Optional(t.String({ maxLength: 200, pattern: "^[^\\u0000]*$" })),
            sort: t.Optional(oneOf(productSorts)),
            limit: t.Optional(t.Integer({ minimum: 1, maximum: MAX_PAGE })),
            cursor: t.Optional(t.String({ maxLength: 2_048 })),
          },
          { additionalProperties: false },
        ),
        response: documented({
          200: t.Object({ items: t.Array(productSummaryView), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .get(
      "/:idOrHandle",
      ({ access: { storeId }, params, request, set }) =>
        give<ProductDocument>(
          { request, set, storeId, route: "/store/products/:idOrHandle" },
          askProduct(deps, storeId, params.idOrHandle),
        ),
      {
        detail: { summary: "One product, by id or handle" },
        params: t.Object({ idOrHandle: word(255) }),
        response: documented({ 200: productView }),
      },
    );
}
