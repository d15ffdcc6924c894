/** The read model of product lists: how far rebuilds are, and asking for one. */
import { Elysia, t } from "elysia";
import { type Build, latestBuilds, requestRebuild } from "../../../../commerce/storefront/index.ts";
import { getStore, listStores } from "../../../../commerce/stores/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import { reference } from "../store/carts.schema.ts";

const MAX_STORES = 100;

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
const page = t.Object(
  {
    storeId: t.Optional(reference),
    limit: t.Optional(t.Integer({ minimum: 1, maximum: MAX_STORES })),
    cursor: t.Optional(t.String({ maxLength: 64 })),
  },
  { additionalProperties: false },
);

export function summaryRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  return new Elysia({ prefix: "/ops/summaries", detail: { tags: ["ops"] } })
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
          items: await latestBuilds(sql, ids),
          nextCursor: stores.length > limit ? ids.at(-1)! : null,
        };
      },
      {
        query: page,
        detail: { summary: "The latest rebuild of the product summaries, by store" },
        response: documented({ 200: list }),
      },
    )
    .post(
      "/rebuild",
      async ({ body, set, traceparent }) => {
        if (body.storeId !== undefined && !(await getStore(sql, body.storeId))) throw notFound("store");
        const stores = body.storeId ? [{ id: body.storeId }] : await listStores(sql, { limit: MAX_STORES });
        const items: Build[] = [];
        for (const { id } of stores) items.push(await requestRebuild(sql, { storeId: id, traceparent }));
        bus.poke();
        set.status = 202;
        return { items, nextCursor: null };
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
