/** SQL of the module that is not in its functions (migrations/). */
import { idBoundary } from "../../platform/ids.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import type {
  FulfilmentStatus,
  Order,
  OrderFacts,
  OrderStatus,
  PaymentStatus,
  TimelineEntry,
} from "./model.ts";

export async function selectDocument(sql: Sql, storeId: string, id: string): Promise<Order | null> {
  const [row] = await sql<
    { document: Order | null }[]
  >`SELECT orders.document(${storeId}, ${id}) AS document`;
  return row?.document ?? null;
}

export type OrderKey = { storeId: string; id: string };

const named = (sql: Sql, keys: readonly OrderKey[]) => sql`
  unnest(${keys.map(key => key.storeId)}::text[], ${keys.map(key => key.id)}::text[]) WITH ORDINALITY AS w(store_id, id, n)`;

/** In the order of the keys. */
export async function selectDocuments(sql: Sql, keys: readonly OrderKey[]): Promise<(Order | null)[]> {
  const column = (pick: (key: OrderKey) => string) => sql`${keys.map(pick)}::text[]`;
  const rows = await sql<{ n: number; document: Order }[]>`
    SELECT n, document FROM orders.documents(${column(key => key.storeId)}, ${column(key => key.id)})`;
  const found = new Map(rows.map(row => [row.n - 1, row.document]));
  return keys.map((_, i) => found.get(i) ?? null);
}

/** In the order of the keys. */
export async function selectFacts(sql: Sql, keys: readonly OrderKey[]): Promise<(OrderFacts | null)[]> {
  const rows = await sql<(OrderFacts | { status: null })[]>`
    SELECT o.status, o.reservation_id AS "reservationId"
    FROM ${named(sql, keys)} LEFT JOIN orders.order o ON o.store_id = w.store_id AND o.id = w.id ORDER BY w.n`;
  return rows.map(row => (row.status === null ? null : row));
}

export type OrderFilter = {
  status?: OrderStatus | undefined;
  paymentStatus?: PaymentStatus | undefined;
  fulfilmentStatus?: FulfilmentStatus | undefined;
  email?: string | undefined;
  number?: string | undefined;
  /** Made at or after, and before. */
  from?: Date | undefined;
  until?: Date | undefined;
};

/** How long before its row an order's id may have been made: it may wait in a queue. */
const QUEUED_MS = 3_600_000;
/** How far the clock of a node may be ahead of the database's. */
const SKEW_MS = 60_000;

/**
 * One statement a page: ids by the index first, then their documents. Ids carry a time, so that a span of time is a range of
 * the index.
 */
export async function selectPage(
  sql: Sql,
  storeId: string,
  before: string | null,
  filter: OrderFilter,
  limit: number,
): Promise<Order[]> {
  const { status, paymentStatus, fulfilmentStatus, email, number, from, until } = filter;
  const idAt = (time: Date, earlierMs = 0) => idBoundary("ord", Math.max(time.getTime() - earlierMs, 0));
  const rows = await sql<{ document: Order }[]>`
    SELECT orders.document(${storeId}, page.id) AS document
    FROM (SELECT o.id FROM orders.order o
          WHERE o.store_id = ${storeId}
            ${before === null ? sql`` : sql`AND o.id < ${before}`}
            ${status === undefined ? sql`` : sql`AND o.status = ${status}`}
            ${paymentStatus === undefined ? sql`` : sql`AND o.payment_status = ${paymentStatus}`}
            ${fulfilmentStatus === undefined ? sql`` : sql`AND o.fulfilment_status = ${fulfilmentStatus}`}
            ${email === undefined ? sql`` : sql`AND o.email = ${email}`}
            ${number === undefined ? sql`` : sql`AND o.number = ${number}`}
            ${from === undefined ? sql`` : sql`AND o.id >= ${idAt(from, QUEUED_MS)} AND o.created_at >= ${from}`}
            ${until === undefined ? sql`` : sql`AND o.id < ${idAt(until, -SKEW_MS)} AND o.created_at < ${until}`}
          ORDER BY o.id DESC LIMIT ${limit}) page
    ORDER BY page.id DESC`;
  return rows.map(row => row.document);
}

export async function selectPageOf(
  sql: Sql,
  storeId: string,
  customerId: string,
  before: string | null,
  limit: number,
): Promise<Order[]> {
  const rows = await sql<{ document: Order }[]>`
    SELECT orders.document(${storeId}, page.order_id) AS document
    FROM carts.orders_of(${storeId}, ${customerId}, ${before}, ${limit}) page
    ORDER BY page.order_id DESC`;
  return rows.map(row => row.document);
}

/** Ids are UUIDv7: by id is by time. */
export async function selectEvents(
  sql: Sql,
  storeId: string,
  orderId: string,
  after: string | null,
  limit: number,
): Promise<TimelineEntry[]> {
  return sql<TimelineEntry[]>`
    SELECT e.id, e.type, e.data, e.author,
           to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at
    FROM orders.event e
    WHERE e.store_id = ${storeId} AND e.order_id = ${orderId}
      ${after === null ? sql`` : sql`AND e.id > ${after}::uuid`}
    ORDER BY e.id LIMIT ${limit}`;
}

/** The order that an action was done to; null when there is no such action. */
export async function selectOrderOf(sql: Sql, storeId: string, actionId: string): Promise<Order | null> {
  const [row] = await sql<{ document: Order }[]>`
    SELECT orders.document(${storeId}, a.order_id) AS document
    FROM orders.action a WHERE a.store_id = ${storeId} AND a.id = ${actionId}`;
  return row?.document ?? null;
}
