/** SQL of the module that is not in its functions (migrations/). */
import type { Sql } from "../../platform/postgres/index.ts";
import type { Order, OrderFacts, OrderStatus } from "./model.ts";

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

/** One statement a page: ids by the index first, then their documents. */
export async function selectPage(
  sql: Sql,
  storeId: string,
  before: string | null,
  status: OrderStatus | null,
  limit: number,
): Promise<Order[]> {
  const rows = await sql<{ document: Order }[]>`
    SELECT orders.document(${storeId}, page.id) AS document
    FROM (SELECT o.id FROM orders.order o
          WHERE o.store_id = ${storeId} AND (${before}::text IS NULL OR o.id < ${before})
            AND (${status}::text IS NULL OR o.status = ${status})
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
