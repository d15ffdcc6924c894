import type { Sql } from "../../platform/postgres/index.ts";

/**
 * The business keys, beside `order:<id>`, under which jobs about an order run: of its payment, its reservation, its
 * refunds and fulfilments.
 */
export async function jobKeysOf(sql: Sql, storeId: string, orderId: string): Promise<string[]> {
  const rows = await sql<{ key: string }[]>`
    SELECT unnest(ARRAY['intent:' || o.intent_id, 'reservation:' || o.reservation_id]) AS key
    FROM orders.order o WHERE o.store_id = ${storeId} AND o.id = ${orderId}
    UNION ALL
    SELECT CASE a.kind WHEN 'fulfilment' THEN 'order_shipped:' ELSE 'order_refunded:' END || a.id
    FROM orders.action a WHERE a.store_id = ${storeId} AND a.order_id = ${orderId}`;
  return rows.map(row => row.key);
}
