import type { Tx } from "../../platform/postgres/index.ts";

/**
 * Writes the stock of these products' variants into their summaries where it differs; returns the ids of those. As
 * `productDocument` and `productSummary` (model.ts) have it. The caller holds the lock of groups.
 */
export async function updateStock(tx: Tx, storeId: string, ids: readonly string[]): Promise<string[]> {
  const rows = await tx<{ productId: string }[]>`
    WITH shown AS MATERIALIZED (
      SELECT s.product_id, v.one, v.n
      FROM storefront.product_summary s
      CROSS JOIN LATERAL jsonb_array_elements(s.document -> 'variants') WITH ORDINALITY AS v(one, n)
      WHERE s.store_id = ${storeId} AND s.product_id = ANY(${ids as string[]})
    ), stock AS MATERIALIZED (
      SELECT a.* FROM inventory.available(${storeId}, ARRAY(SELECT h.one ->> 'id' FROM shown h)) a
    ), fresh AS (
      SELECT h.product_id, sum(a.available)::bigint AS available, bool_or(a.available > 0 OR a.backorder) AS in_stock,
             jsonb_agg(h.one || jsonb_build_object('available', a.available, 'backorder', a.backorder) ORDER BY h.n) AS variants
      FROM shown h JOIN stock a ON a.variant_id = h.one ->> 'id'
      GROUP BY h.product_id
    )
    UPDATE storefront.product_summary s
    SET available = f.available, in_stock = f.in_stock, updated_at = now(),
        document = s.document || jsonb_build_object('available', f.available, 'variants', f.variants)
    FROM fresh f
    WHERE s.store_id = ${storeId} AND s.product_id = f.product_id AND s.document -> 'variants' <> f.variants
    RETURNING s.product_id AS "productId"`;
  return rows.map(row => row.productId);
}
