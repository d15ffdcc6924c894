/** The stores of the deployment. */
import { Elysia, t } from "elysia";
import { createStore, listStores } from "../../../../commerce/stores/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";

const store = t.Object({
  id: t.String(),
  name: t.String(),
  currency: t.String(),
  createdAt: t.String({ format: "date-time" }),
});

export function storeRoutes(deps: ApiDeps) {
  return new Elysia({ prefix: "/ops", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .get(
      "/stores",
      async ({ query }) => {
        const limit = query.limit ?? 20;
        const rows = await listStores(deps.sql, { after: query.cursor ?? "", limit: limit + 1 });
        const items = rows.slice(0, limit);
        return { items, nextCursor: rows.length > limit ? items.at(-1)!.id : null };
      },
      {
        detail: { summary: "Stores, oldest first" },
        query: t.Object(
          {
            limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
            cursor: t.Optional(t.String({ maxLength: 64 })),
          },
          { additionalProperties: false },
        ),
        response: documented({
          200: t.Object({ items: t.Array(store), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .post(
      "/stores",
      async ({ body, set }) => {
        set.status = 201;
        return createStore(deps.sql, body);
      },
      {
        detail: { summary: "A new store; its keys are made with `POST /ops/keys`" },
        body: t.Object(
          {
            name: t.String({ minLength: 1, maxLength: 255 }),
            currency: t.String({ pattern: "^[A-Z]{3}$" }),
          },
          { additionalProperties: false },
        ),
        response: documented({ 201: store }),
      },
    );
}
