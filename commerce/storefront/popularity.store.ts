import type { Sql, Tx } from "../../platform/postgres/index.ts";

/** The products whose count rose. Rows are taken in the order of their keys, the same in every batch. */
export async function insertSales(tx: Tx, storeId: string, orderIds: readonly string[]): Promise<string[]> {
  const fresh = await tx<{ orderId: string }[]>`
    INSERT INTO storefront.counted_order (store_id, order_id)
    SELECT ${storeId}, o.id FROM unnest(${orderIds as string[]}::text[]) AS o (id) ORDER BY o.id
    ON CONFLICT DO NOTHING
    RETURNING order_id AS "orderId"`;
  if (fresh.length === 0) return [];
  const rows = await tx<{ productId: string }[]>`
    INSERT INTO storefront.popularity AS p (store_id, product_id, units)
    SELECT ${storeId}, s.product_id, s.units
    FROM orders.units_sold(${storeId}, ${fresh.map(row => row.orderId)}) s ORDER BY s.product_id
    ON CONFLICT (store_id, product_id) DO UPDATE SET units = p.units + excluded.units
    RETURNING product_id AS "productId"`;
  return rows.map(row => row.productId);
}

export async function deleteNotes(sql: Sql, days: number, limit: number): Promise<number> {
  const rows = await sql`
    DELETE FROM storefront.counted_order
    WHERE (store_id, order_id) IN (SELECT o.store_id, o.order_id FROM storefront.counted_order o
                                   WHERE o.counted_at < now() - make_interval(days => ${days})
                                   ORDER BY o.counted_at LIMIT ${limit})`;
  return rows.count;
}
