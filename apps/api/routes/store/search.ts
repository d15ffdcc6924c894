/** Search. */

import { Elysia, t } from "elysia";
import {
  createSearch,
  engineNames,
  facetNames,
  limits,
  openMeilisearch,
  searchSorts,
} from "../../../../search/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { storeAuth } from "../../http/auth.ts";
import { customerContext } from "../../http/customer.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import { limited } from "../../http/rate-limit.ts";
import { productSummaryView } from "./products.schema.ts";

const price = (description: string) =>
  t.Optional(t.Integer({ minimum: 0, maximum: limits.price, description }));

const query = t.Object(
  {
    q: t.Optional(t.String({ maxLength: limits.q, description: "words; the last one also as a beginning" })),
    category: t.Optional(t.String({ maxLength: limits.value, description: "handle or id" })),
    vendor: t.Optional(t.String({ maxLength: limits.value })),
    priceMin: price("least price, minor units of the store's currency"),
    priceMax: price("greatest price"),
    inStock: t.Optional(t.Boolean()),
    sort: t.Optional(oneOf([...searchSorts], { description: "default: best first" })),
    limit: t.Optional(t.Integer({ minimum: 1, maximum: limits.limit })),
    offset: t.Optional(t.Integer({ minimum: 0, maximum: limits.offset })),
    facets: t.Optional(t.String({ maxLength: 200, description: `of ${facetNames.join(", ")}; with commas` })),
  },
  { additionalProperties: false },
);

const answer = t.Object({
  items: t.Array(t.Composite([productSummaryView, t.Object({ inStock: t.Boolean() })])),
  total: t.Integer({ description: "of all hits; an estimate above 1,000" }),
  facets: t.Record(t.String(), t.Record(t.String(), t.Number()), {
    description: "value → products among all hits; for price its min and max",
  }),
  engine: oneOf(engineNames),
  tookMs: t.Number(),
});

export function searchRoutes({ config, ...deps }: ApiDeps) {
  const engine = config.meiliUrl ? openMeilisearch({ url: config.meiliUrl, key: config.meiliKey }) : null;
  const search = createSearch({ ...deps, engine });
  return new Elysia({ prefix: "/store", detail: { tags: ["store"] } })
    .use(storeAuth({ config, ...deps }))
    .use(customerContext({ config, ...deps }))
    .get("/search", ({ access, query }) => search(access.storeId, query), {
      beforeHandle: limited({ config, ...deps }, "search", ({ customer }) => customer?.id),
      detail: {
        summary: "Search of the shop",
        description:
          "Typing errors are forgiven in names, not in SKUs and barcodes. `engine` says who answered.",
      },
      query,
      response: documented({ 200: answer }),
    });
}
