/** The SQL of recommendations. Rows are taken in the order of their keys, the same in every batch. */
import type { Sql, Tx } from "../../platform/postgres/index.ts";

/** Those that were not noted before. */
export async function noteOrders(tx: Tx, storeId: string, orderIds: readonly string[]): Promise<string[]> {
  const rows = await tx<{ orderId: string }[]>`
    INSERT INTO recommendations.counted_order (store_id, order_id)
    SELECT ${storeId}, o.id FROM unnest(${orderIds as string[]}::text[]) AS o (id) ORDER BY o.id
    ON CONFLICT DO NOTHING RETURNING order_id AS "orderId"`;
  return rows.map(row => row.orderId);
}

export async function addPairs(
  tx: Tx,
  storeId: string,
  orderIds: readonly string[],
  mostOfOrder: number,
): Promise<void> {
  await tx`
    WITH bought AS MATERIALIZED (
      SELECT order_id, product_id FROM orders.products_of(${storeId}, ${orderIds as string[]}, ${mostOfOrder})
    ), products AS (
      INSERT INTO recommendations.product AS p (store_id, product_id, orders)
      SELECT ${storeId}, product_id, count(*) FROM bought GROUP BY product_id ORDER BY product_id
      ON CONFLICT (store_id, product_id) DO UPDATE SET orders = p.orders + EXCLUDED.orders
    )
    INSERT INTO recommendations.pair AS p (store_id, product_id, other_id, orders)
    SELECT ${storeId}, a.product_id, b.product_id, count(*)
    FROM bought a JOIN bought b ON b.order_id = a.order_id AND b.product_id <> a.product_id
    GROUP BY a.product_id, b.product_id ORDER BY a.product_id, b.product_id
    ON CONFLICT (store_id, product_id, other_id) DO UPDATE SET orders = p.orders + EXCLUDED.orders`;
}

export async function selectTogether(
  sql: Sql,
  storeId: string,
  productId: string,
  { compared, limit }: { compared: number; limit: number },
): Promise<string[]> {
  const rows = await sql<{ otherId: string }[]>`
    SELECT most.other_id AS "otherId"
    FROM (SELECT other_id, orders FROM recommendations.pair
          WHERE store_id = ${storeId} AND product_id = ${productId}
          ORDER BY orders DESC, other_id LIMIT ${compared}) most
    JOIN recommendations.product p ON p.store_id = ${storeId} AND p.product_id = most.other_id
    ORDER BY most.orders / sqrt(p.orders) DESC, most.other_id LIMIT ${limit}`;
  return rows.map(row => row.otherId);
}

export async function deleteNotes(sql: Sql, days: number, limit: number): Promise<number> {
  const rows = await sql`
    DELETE FROM recommendations.counted_order
    WHERE (store_id, order_id) IN (SELECT o.store_id, o.order_id FROM recommendations.counted_order o
                                   WHERE o.counted_at < now() - make_interval(days => ${days})
                                   ORDER BY o.counted_at LIMIT ${limit})`;
  return rows.count;
}
