/** The stores of the deployment, and what each may keep. */
import { Elysia, t } from "elysia";
import { createStore, getStore, listStores } from "../../../../commerce/stores/index.ts";
import { MAX_QUOTA_BYTES, setQuota, usageOf } from "../../../../media/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import { pageOf } from "../../../../platform/page.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { mediaUsage } from "../admin/media.schema.ts";
import { defaultQuota } from "../admin/media.upload.ts";

const params = t.Object({ id: t.String({ maxLength: 64 }) });
const fields = {
  id: t.String(),
  name: t.String(),
  currency: t.String(),
  createdAt: t.String({ format: "date-time" }),
};
const store = t.Object(fields);
const storeWithUsage = t.Object({ ...fields, media: mediaUsage });

export function storeRoutes(deps: ApiDeps) {
  /** In the order of the ids. */
  async function usages(ids: readonly string[]) {
    const found = await usageOf(deps.sql, ids, defaultQuota(deps.config));
    return found.map(({ storeId: _, ...usage }) => usage);
  }

  return new Elysia({ prefix: "/ops", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .get(
      "/stores",
      async ({ query }) => {
        const limit = query.limit ?? 20;
        const rows = await listStores(deps.sql, { after: query.cursor ?? "", limit: limit + 1 });
        const { items, nextCursor } = pageOf(rows, limit);
        const media = await usages(items.map(one => one.id));
        return { items: items.map((one, i) => ({ ...one, media: media[i]! })), nextCursor };
      },
      {
        detail: { summary: "Stores, oldest first, with what their pictures take and may take" },
        query: t.Object(
          {
            limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
            cursor: t.Optional(t.String({ maxLength: 64 })),
          },
          { additionalProperties: false },
        ),
        response: documented({
          200: t.Object({ items: t.Array(storeWithUsage), nextCursor: t.Nullable(t.String()) }),
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
    )
    .get(
      "/stores/:id",
      async ({ params }) => {
        const found = await getStore(deps.sql, params.id);
        if (!found) throw notFound("store");
        const [media] = await usages([found.id]);
        return { ...found, media: media! };
      },
      {
        params,
        detail: { summary: "One store, with what its pictures take and may take" },
        response: documented({ 200: storeWithUsage }),
      },
    )
    .put(
      "/stores/:id/media-quota",
      async ({ author, params, body }) => {
        if (!(await getStore(deps.sql, params.id))) throw notFound("store");
        await setQuota(deps.sql, author, params.id, body.maxBytes);
        const [usage] = await usages([params.id]);
        return usage!;
      },
      {
        params,
        body: t.Object(
          {
            maxBytes: t.Nullable(
              t.Integer({
                minimum: 0,
                maximum: MAX_QUOTA_BYTES,
                description: "null: the deployment's setting counts",
              }),
            ),
          },
          { additionalProperties: false, examples: [{ maxBytes: 250_000_000_000 }] },
        ),
        detail: {
          summary: "What the originals of a store's pictures may take together",
          description:
            "Counts from the next upload on, everywhere. Less than the store has refuses uploads (413 `quota_exceeded`) and takes nothing away.",
        },
        response: documented({ 200: mediaUsage }),
      },
    );
}
