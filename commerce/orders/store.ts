/** SQL of the module that is not in its functions (migrations/). */
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

export async function selectFacts(sql: Sql, storeId: string, id: string): Promise<OrderFacts | null> {
  const [row] = await sql<OrderFacts[]>`
    SELECT status, reservation_id AS "reservationId" FROM orders.order WHERE store_id = ${storeId} AND id = ${id}`;
  return row ?? null;
}

export type OrderFilter = {
  status?: OrderStatus | undefined;
  paymentStatus?: PaymentStatus | undefined;
  fulfilmentStatus?: FulfilmentStatus | undefined;
  email?: string | undefined;
  number?: string | undefined;
  /** Ids of an order at or after, and before, a moment. */
  fromId?: string | undefined;
  untilId?: string | undefined;
};

/** One statement a page: ids by the index first, then their documents. */
export async function selectPage(
  sql: Sql,
  storeId: string,
  before: string | null,
  filter: OrderFilter,
  limit: number,
): Promise<Order[]> {
  const { status, paymentStatus, fulfilmentStatus, email, number, fromId, untilId } = filter;
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
            ${fromId === undefined ? sql`` : sql`AND o.id >= ${fromId}`}
            ${untilId === undefined ? sql`` : sql`AND o.id < ${untilId}`}
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
