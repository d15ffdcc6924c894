/** Forgetting people who ask for it. */
import { Elysia, t } from "elysia";
import {
  type Erasure,
  getErasure,
  listErasures,
  type Person,
  requestErasure,
} from "../../../../commerce/erasure/index.ts";
import { invalid } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import { redisOf } from "../../http/per-node.ts";
import { reference } from "../store/carts.schema.ts";

const view = t.Object(
  {
    id: t.String(),
    status: oneOf(["queued", "running", "done"]),
    account: t.Boolean({ description: "an account was deleted" }),
    orders: t.Integer({ description: "orders that stay without the person" }),
    carts: t.Integer(),
    mails: t.Integer({ description: "notes that a mail was sent, deleted" }),
    texts: t.Integer({ description: "errors and notes of jobs that were changed" }),
    createdAt: t.String({ format: "date-time" }),
    finishedAt: t.Nullable(t.String({ format: "date-time" })),
    href: t.String(),
  },
  {
    examples: [
      {
        id: "era_06gzjwdgye91zkssfzkz327pxg",
        status: "done",
        account: true,
        orders: 3,
        carts: 4,
        mails: 5,
        texts: 0,
        createdAt: "2026-11-21T12:00:00.000Z",
        finishedAt: "2026-11-21T12:00:01.000Z",
        href: "/admin/erasures/era_06gzjwdgye91zkssfzkz327pxg",
      },
    ],
  },
);
const body = t.Object(
  {
    email: t.Optional(t.String({ minLength: 3, maxLength: 254 })),
    customerId: t.Optional(reference),
  },
  { additionalProperties: false, examples: [{ email: "ada@example.org" }] },
);
const params = t.Object({ id: reference });
const hrefOf = (id: string) => `/admin/erasures/${id}`;
const viewOf = (one: Erasure) => ({ ...one, href: hrefOf(one.id) });

function personOf({ email, customerId }: { email?: string; customerId?: string }): Person {
  if ((email === undefined) === (customerId === undefined))
    throw invalid([{ path: "email", message: "Give an email or a customerId." }]);
  return email === undefined ? { customerId: customerId! } : { email };
}

export function erasureRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  const erasures = { sql, bus, redis: redisOf(deps) };
  return new Elysia({ prefix: "/admin/erasures", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .post(
      "/",
      async ({ author, body, set }) => {
        const erasure = await requestErasure(erasures, author, personOf(body));
        set.status = 202;
        set.headers.location = hrefOf(erasure.id);
        return viewOf(erasure);
      },
      {
        body,
        detail: {
          summary: "Forget a person",
          description:
            "By mail address (guests, too) or by account. Account and sessions end at once; orders stay, for the books, " +
            "without address, mail and note; carts, notes of mails, and what jobs and dead letters quote follow within " +
            "moments. It can't be undone. 404 `not_found` for an unknown `customerId`; 422 `invalid`.",
        },
        response: documented({ 202: view }),
      },
    )
    .get(
      "/",
      async ({ access, query }) => {
        const page = await listErasures(sql, access.storeId, { ...query, limit: query.limit ?? 20 });
        return { ...page, items: page.items.map(viewOf) };
      },
      {
        query: t.Object(
          {
            limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
            cursor: t.Optional(t.String({ maxLength: 64 })),
          },
          { additionalProperties: false },
        ),
        detail: { summary: "Erasures, newest first; they don't tell who it was" },
        response: documented({ 200: t.Object({ items: t.Array(view), nextCursor: t.Nullable(t.String()) }) }),
      },
    )
    .get("/:id", async ({ access, params }) => viewOf(await getErasure(sql, access.storeId, params.id)), {
      params,
      detail: { summary: "How far an erasure is" },
      response: documented({ 200: view }),
    });
}
