/** The keys that open stores and the deployment. */
import { Elysia, t } from "elysia";
import { createKey, keyKinds, listKeys, revokeKey, roles } from "../../../../commerce/stores/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import { pageOf } from "../../../../platform/page.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";

const kind = oneOf(keyKinds, {
  description: "publishable and secret keys belong to a store, ops keys to none",
});
const role = oneOf(roles, { description: "view: changes nothing, by the API and in the console" });
const id = t.String({ maxLength: 64, pattern: "^[0-9a-z_]+$" });
/** One line: no control characters. */
const name = t.String({
  minLength: 1,
  maxLength: 255,
  pattern: "^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]*$",
});
const time = t.Nullable(t.String({ format: "date-time" }));

const keyView = t.Object({
  id: t.String(),
  kind,
  role,
  storeId: t.Nullable(t.String()),
  name: t.String(),
  prefix: t.String({ description: "the little of the key that is kept in the clear" }),
  createdAt: t.String({ format: "date-time" }),
  lastUsedAt: time,
  revokedAt: time,
});

export function keyRoutes({ sql, ...deps }: ApiDeps) {
  return new Elysia({ prefix: "/ops/keys", detail: { tags: ["ops"] } })
    .use(opsAuth({ sql, ...deps }))
    .get(
      "/",
      async ({ query }) => {
        const { limit = 20, cursor = "", storeId } = query;
        const rows = await listKeys(sql, storeId, { after: cursor, limit: limit + 1 });
        return pageOf(rows, limit);
      },
      {
        query: t.Object(
          {
            storeId: t.Optional(id),
            limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
            cursor: t.Optional(id),
          },
          { additionalProperties: false },
        ),
        detail: { summary: "Keys, oldest first; revoked ones too" },
        response: documented({
          200: t.Object({ items: t.Array(keyView), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .post(
      "/",
      async ({ body, set }) => {
        const { kind, name, storeId = null, role = "operate" } = body;
        const made = await createKey(sql, { kind, name, storeId, role });
        set.status = 201;
        return { ...made, kind, role, storeId, name };
      },
      {
        body: t.Object(
          { kind, name, storeId: t.Optional(t.Nullable(id)), role: t.Optional(role) },
          { additionalProperties: false },
        ),
        detail: { summary: "A new key; it is shown this once" },
        response: documented({
          201: t.Object({
            id: t.String(),
            key: t.String(),
            kind,
            role,
            storeId: t.Nullable(t.String()),
            name: t.String(),
          }),
        }),
      },
    )
    .delete(
      "/:id",
      async ({ params, set }) => {
        if (!(await revokeKey(sql, params.id))) throw notFound("key");
        set.status = 204;
      },
      {
        params: t.Object({ id: t.String({ maxLength: 64, pattern: "^[^\\u0000]*$" }) }),
        detail: { summary: "Revoke a key, for good; within a second on every node" },
      },
    );
}
