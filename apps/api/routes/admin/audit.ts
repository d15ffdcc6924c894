/** What admins did in this store. */
import { Elysia, t } from "elysia";
import { listAudit } from "../../../../commerce/audit/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { reading } from "../../http/per-node.ts";
import { reference } from "../store/carts.schema.ts";

const DEFAULT_PAGE = 20;

const entryView = t.Object({
  id: t.String(),
  actor: t.String({ description: "id of the key that was used" }),
  action: t.String(),
  entity: t.String(),
  entityId: t.String(),
  route: t.Nullable(t.String()),
  traceId: t.Nullable(t.String()),
  changes: t.Record(t.String(), t.Object({ before: t.Any(), after: t.Any() }), {
    description: "the fields that changed; personal data is hidden",
  }),
  at: t.String({ format: "date-time" }),
});

export function auditRoutes(deps: ApiDeps) {
  const read = reading(deps);
  return new Elysia({ prefix: "/admin/audit", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .get(
      "/",
      ({ access, query }) =>
        read(sql => listAudit(sql, access.storeId, { ...query, limit: query.limit ?? DEFAULT_PAGE })),
      {
        query: t.Object(
          {
            entity: t.Optional(reference),
            entityId: t.Optional(reference),
            actor: t.Optional(reference),
            action: t.Optional(reference),
            limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
            cursor: t.Optional(t.String({ minLength: 1, maxLength: 128 })),
          },
          { additionalProperties: false },
        ),
        detail: { summary: "The audit log: every write of the back office, newest first" },
        response: documented({
          200: t.Object({ items: t.Array(entryView), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    );
}
