/** The read model of product lists: how far rebuilds are, and asking for one. */
import { Elysia, t } from "elysia";
import { latestBuilds, requestRebuild } from "../../../../commerce/storefront/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import { reference } from "../store/carts.schema.ts";
import { listByStore, requestByStore, storePage } from "./per-store.ts";

const build = t.Object({
  storeId: t.String(),
  id: t.String(),
  status: oneOf(["queued", "running", "done"]),
  done: t.Integer({ description: "products" }),
  total: t.Integer(),
  requestedAt: t.String({ format: "date-time" }),
  startedAt: t.Nullable(t.String({ format: "date-time" })),
  finishedAt: t.Nullable(t.String({ format: "date-time" })),
});
const list = t.Object({ items: t.Array(build), nextCursor: t.Nullable(t.String()) });

export function summaryRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  return new Elysia({ prefix: "/ops/summaries", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .get("/", ({ query }) => listByStore(sql, query, ids => latestBuilds(sql, ids)), {
      query: storePage,
      detail: { summary: "The latest rebuild of the product summaries, by store" },
      response: documented({ 200: list }),
    })
    .post(
      "/rebuild",
      async ({ body, set, traceparent }) => {
        const asked = await requestByStore(sql, body.storeId, storeId =>
          requestRebuild(sql, { storeId, traceparent }),
        );
        bus.poke();
        set.status = 202;
        return asked;
      },
      {
        body: t.Object({ storeId: t.Optional(reference) }, { additionalProperties: false }),
        detail: {
          summary: "Make all product summaries of a store anew",
          description:
            "Of the first hundred stores without `storeId`. Shops go on reading the ones that are there.",
        },
        response: documented({ 202: list }),
      },
    );
}
