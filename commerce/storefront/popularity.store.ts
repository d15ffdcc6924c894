import type { Sql, Tx } from "../../platform/postgres/index.ts";

/** Counts orders that were not counted before, and returns them. Rows are taken in the order of their keys, as in every batch. */
export async function insertSales(tx: Tx, storeId: string, orderIds: readonly string[]): Promise<string[]> {
  const fresh = await tx<{ orderId: string }[]>`
    INSERT INTO storefront.counted_order (store_id, order_id)
    SELECT ${storeId}, o.id FROM unnest(${orderIds as string[]}::text[]) AS o (id) ORDER BY o.id
    ON CONFLICT DO NOTHING
    RETURNING order_id AS "orderId"`;
  const counted = fresh.map(row => row.orderId);
  if (counted.length === 0) return [];
  await tx`
    INSERT INTO storefront.popularity AS p (store_id, product_id, units, dirty)
    SELECT ${storeId}, s.product_id, s.units, true
    FROM orders.units_sold(${storeId}, ${counted}) s ORDER BY s.product_id
    ON CONFLICT (store_id, product_id) DO UPDATE SET units = p.units + excluded.units, dirty = true`;
  return counted;
}

export async function selectDirtyStores(sql: Sql): Promise<string[]> {
  const rows = await sql<{ storeId: string }[]>`
    SELECT DISTINCT store_id AS "storeId" FROM storefront.popularity WHERE dirty`;
  return rows.map(row => row.storeId);
}

/** `before`: as lists had it; null: the product is in no list. */
export type Sold = { productId: string; units: number; before: number | null };

/** The products that were taken. Those that others are counting at the moment come next time. */
export async function writePopularity(tx: Tx, storeId: string, limit: number): Promise<Sold[]> {
  return tx<Sold[]>`
    WITH due AS (
      SELECT product_id FROM storefront.popularity WHERE store_id = ${storeId} AND dirty
      ORDER BY product_id LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ), sold AS (
      UPDATE storefront.popularity p SET dirty = false
      FROM due WHERE p.store_id = ${storeId} AND p.product_id = due.product_id
      RETURNING p.product_id, p.units
    ), summary AS (
      UPDATE storefront.product_summary s SET popularity = sold.units
      FROM sold WHERE s.store_id = ${storeId} AND s.product_id = sold.product_id
    ), listed AS (
      UPDATE storefront.listing l SET popularity = sold.units
      FROM sold WHERE l.store_id = ${storeId} AND l.product_id = sold.product_id
    )
    SELECT sold.product_id AS "productId", sold.units, s.popularity AS before
    FROM sold LEFT JOIN storefront.product_summary s ON s.store_id = ${storeId} AND s.product_id = sold.product_id`;
}

/** Notes of products that search ranks anew. */
export async function markUnranked(tx: Tx, storeId: string, productIds: readonly string[]): Promise<void> {
  await tx`
    UPDATE storefront.popularity SET unranked = true
    WHERE store_id = ${storeId} AND product_id = ANY(${productIds as string[]}) AND NOT unranked`;
}

export async function selectUnrankedStores(sql: Sql): Promise<string[]> {
  const rows = await sql<{ storeId: string }[]>`
    SELECT DISTINCT store_id AS "storeId" FROM storefront.popularity WHERE unranked`;
  return rows.map(row => row.storeId);
}

/** Takes such notes. Those that others have at the moment come next time. */
export async function takeUnranked(tx: Tx, storeId: string, limit: number): Promise<string[]> {
  const rows = await tx<{ productId: string }[]>`
    UPDATE storefront.popularity p SET unranked = false
    FROM (SELECT product_id FROM storefront.popularity WHERE store_id = ${storeId} AND unranked
          ORDER BY product_id LIMIT ${limit} FOR UPDATE SKIP LOCKED) due
    WHERE p.store_id = ${storeId} AND p.product_id = due.product_id
    RETURNING p.product_id AS "productId"`;
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
