/** What happened to a business key: requests, jobs, tries, dead letters; and what the shop's own records tell of it. */
import { Elysia, t } from "elysia";
import { inOrder, storesOfKey, timelineOf, timelineTypes } from "../../../../bus/index.ts";
import { listAudit } from "../../../../commerce/audit/index.ts";
import { getOrder, jobKeysOf, timelineOf as orderTimeline } from "../../../../commerce/orders/index.ts";
import type { Sql } from "../../../../platform/postgres/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";

/** Of an order's own records and of the audit log, on the first page. */
const RECORDS = 200;

const maybe = {
  text: t.Optional(t.Nullable(t.String())),
  time: t.Optional(t.Nullable(t.String({ format: "date-time" }))),
};
const entry = t.Object({
  at: t.String({ format: "date-time" }),
  type: t.String({
    description: `${timelineTypes.join(", ")}; order.… from the order's own records; admin.…`,
  }),
  traceId: t.Nullable(t.String()),
  storeId: maybe.text,
  jobId: maybe.text,
  kind: maybe.text,
  key: maybe.text,
  attempt: t.Optional(t.Integer()),
  status: maybe.text,
  endedAt: maybe.time,
  outcome: maybe.text,
  error: maybe.text,
  worker: maybe.text,
  deadId: maybe.text,
  reason: maybe.text,
  fingerprint: maybe.text,
  replayedAs: maybe.text,
  note: maybe.text,
  method: maybe.text,
  route: maybe.text,
  httpStatus: t.Optional(t.Integer()),
  tookMs: t.Optional(t.Number()),
  node: maybe.text,
  actor: maybe.text,
});

type Entry = { at: Date; type: string; traceId: string | null; [field: string]: unknown };

export function timelineRoutes(deps: ApiDeps) {
  const { sql } = deps;
  return new Elysia({ prefix: "/ops", detail: { tags: ["ops"] } }).use(opsAuth(deps)).get(
    "/timeline",
    async ({ query }) => {
      const { key, limit = 50, cursor } = query;
      const stores = await storesOfKey(sql, key);
      const order = orderOf(key, stores);
      const keys = order ? [key, ...(await jobKeysOf(sql, order.storeId, order.id))] : [key];
      const jobs = await timelineOf(sql, keys, { limit, cursor });
      if (cursor !== undefined) return jobs;
      const records = await recordsOf(sql, key, stores, order);
      return { items: inOrder<Entry>([...jobs.items, ...records]), nextCursor: jobs.nextCursor };
    },
    {
      detail: {
        summary: "What happened to a business key, in order of time",
        description:
          "The HTTP requests that caused its jobs, the jobs, their tries, their deaths and what was done with the dead " +
          "letters. `limit` counts jobs. For `order:…` the jobs of its refunds, fulfilments, payment and reservation are " +
          "in it, and its own records; for what admins change, the audit log. 422 for a made-up cursor.",
      },
      query: t.Object(
        {
          key: t.String({
            minLength: 1,
            maxLength: 200,
            description: "such as `order:ord_…` or `product:prod_…`",
          }),
          limit: t.Optional(t.Integer({ minimum: 1, maximum: 200 })),
          cursor: t.Optional(t.String({ maxLength: 200 })),
        },
        { additionalProperties: false },
      ),
      response: documented({ 200: t.Object({ items: t.Array(entry), nextCursor: t.Nullable(t.String()) }) }),
    },
  );
}

type OrderRef = { storeId: string; id: string };

/** An order is found by its store, which its jobs name. */
function orderOf(key: string, [storeId]: readonly string[]): OrderRef | null {
  const id = /^order:(ord_[0-9a-z]+)$/.exec(key)?.[1];
  return id && storeId ? { storeId, id } : null;
}

async function recordsOf(
  sql: Sql,
  key: string,
  stores: readonly string[],
  order: OrderRef | null,
): Promise<Entry[]> {
  const [entity = "", entityId = ""] = key.split(":", 2);
  const audited = await Promise.all(
    stores.map(async storeId => {
      const { items } = await listAudit(sql, storeId, { entity, entityId, limit: RECORDS });
      return items.map(({ at, action, traceId, actor, route }) => {
        return { at, type: `admin.${action}`, traceId, storeId, actor, route };
      });
    }),
  );
  return [...audited.flat(), ...(order ? await eventsOf(sql, order) : [])];
}

async function eventsOf(sql: Sql, { storeId, id }: OrderRef): Promise<Entry[]> {
  const order = await getOrder(sql, storeId, id);
  if (!order) return [];
  const { items } = await orderTimeline(sql, storeId, order, { limit: RECORDS });
  return items.map(({ at, type, author }) => ({
    at: new Date(at),
    type,
    traceId: null,
    storeId,
    actor: author,
  }));
}
