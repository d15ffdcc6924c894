/** How the shop is searched. */
import { Elysia, t } from "elysia";
import { searchReport } from "../../../../search/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { reading } from "../../http/per-node.ts";

const day = (description: string) =>
  t.Optional(t.String({ pattern: "^20\\d\\d-\\d\\d-\\d\\d$", description, examples: ["2026-11-20"] }));

const figures = t.Array(
  t.Object({
    query: t.String({ description: "without case, accents and needless space" }),
    searches: t.Integer(),
    withoutResult: t.Integer(),
    clicks: t.Integer(),
    meanPosition: t.Nullable(t.Number({ description: "of what was chosen, from 1" })),
  }),
);

const report = t.Object({
  from: t.String({ format: "date" }),
  to: t.String({ format: "date" }),
  searches: t.Integer(),
  withoutResult: t.Integer(),
  clicks: t.Integer(),
  popular: figures,
  fruitless: figures,
  clicked: t.Array(t.Object({ productId: t.String(), title: t.Nullable(t.String()), clicks: t.Integer() })),
});

export function searchAnalyticsRoutes(deps: ApiDeps) {
  const read = reading(deps);
  return new Elysia({ prefix: "/admin/search", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .get(
      "/analytics",
      ({ access, query }) => read(sql => searchReport(sql, access.storeId, query, deps.clock.now())),
      {
        detail: {
          summary: "What was searched for, found and chosen",
          description:
            "By UTC days, at most 400 of them; counted within seconds. Who searched is not kept, and queries that may hold a person's data are not counted.",
        },
        query: t.Object(
          {
            from: day("first day; default: 30 days up to `to`"),
            to: day("last day; default: today"),
            limit: t.Optional(
              t.Integer({ minimum: 1, maximum: 100, description: "of each list; default 20" }),
            ),
          },
          { additionalProperties: false },
        ),
        response: documented({ 200: report }),
      },
    );
}
