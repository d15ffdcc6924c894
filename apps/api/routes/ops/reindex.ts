/** Search indexes that are made anew: asking for one, and how far they are. */
import { Elysia, t } from "elysia";
import { latestReindexes, requestReindex } from "../../../../search/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import { reference } from "../store/carts.schema.ts";
import { listByStore, requestByStore, storePage } from "./per-store.ts";

const reindex = t.Object({
  storeId: t.String(),
  id: t.String(),
  status: oneOf(["queued", "building", "done", "failed"]),
  done: t.Integer({ description: "products" }),
  total: t.Integer(),
  error: t.Nullable(t.String({ description: "why it failed; the index that was there goes on answering" })),
  requestedAt: t.String({ format: "date-time" }),
  startedAt: t.Nullable(t.String({ format: "date-time" })),
  finishedAt: t.Nullable(t.String({ format: "date-time" })),
});
const list = t.Object({ items: t.Array(reindex), nextCursor: t.Nullable(t.String()) });

export function reindexRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  return new Elysia({ prefix: "/ops/reindex", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .get("/", ({ query }) => listByStore(sql, query, ids => latestReindexes(sql, ids)), {
      query: storePage,
      detail: { summary: "The latest reindex of each store, and how far it is" },
      response: documented({ 200: list }),
    })
    .post(
      "/",
      async ({ body, set, traceparent }) => {
        const asked = await requestByStore(sql, body.storeId, storeId =>
          requestReindex(sql, { storeId, traceparent }),
        );
        bus.poke();
        set.status = 202;
        return asked;
      },
      {
        body: t.Object({ storeId: t.Optional(reference) }, { additionalProperties: false, examples: [{}] }),
        detail: {
          summary: "Make the search index of a store anew",
          description:
            "Of the first hundred stores without `storeId`. Searches are answered from the old index until the new one has all products and is swapped in. While one is under way, it is the answer.",
        },
        response: documented({ 202: list }),
      },
    );
}
