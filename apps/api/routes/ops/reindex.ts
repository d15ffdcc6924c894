/** Search indexes that are made anew: asking for one, and how far they are. */
import { Elysia, t } from "elysia";
import { getStore, listStores } from "../../../../commerce/stores/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import { latestReindexes, type Reindex, requestReindex } from "../../../../search/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import { reference } from "../store/carts.schema.ts";

const MAX_STORES = 100;

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
const page = t.Object(
  {
    storeId: t.Optional(reference),
    limit: t.Optional(t.Integer({ minimum: 1, maximum: MAX_STORES })),
    cursor: t.Optional(t.String({ maxLength: 64 })),
  },
  { additionalProperties: false },
);

export function reindexRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  return new Elysia({ prefix: "/ops/reindex", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .get(
      "/",
      async ({ query }) => {
        const limit = query.limit ?? MAX_STORES;
        const stores = query.storeId
          ? [{ id: query.storeId }]
          : await listStores(sql, { after: query.cursor ?? "", limit: limit + 1 });
        const ids = stores.slice(0, limit).map(store => store.id);
        return {
          items: await latestReindexes(sql, ids),
          nextCursor: stores.length > limit ? ids.at(-1)! : null,
        };
      },
      {
        query: page,
        detail: { summary: "The latest reindex of each store, and how far it is" },
        response: documented({ 200: list }),
      },
    )
    .post(
      "/",
      async ({ body, set, traceparent }) => {
        if (body.storeId !== undefined && !(await getStore(sql, body.storeId))) throw notFound("store");
        const stores = body.storeId ? [{ id: body.storeId }] : await listStores(sql, { limit: MAX_STORES });
        const items: Reindex[] = [];
        for (const { id } of stores) items.push(await requestReindex(sql, { storeId: id, traceparent }));
        bus.poke();
        set.status = 202;
        return { items, nextCursor: null };
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
