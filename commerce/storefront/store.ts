/** The SQL of stock, and of who is in which collection as shops see it. */
import type { Sql } from "../../platform/postgres/index.ts";

export type StockRow = { variantId: string; available: number; backorder: boolean };

/** Variants that nobody has stocked are absent. */
export async function selectStock(
  sql: Sql,
  storeId: string,
  variantIds: readonly string[],
): Promise<StockRow[]> {
  return sql<StockRow[]>`
    SELECT variant_id AS "variantId", available, backorder
    FROM inventory.stocked(${storeId}, ${variantIds as string[]})`;
}

type Named = { id: string; handle: string; title: string };

/** The collections of products as their summaries have them. */
export async function selectCollections(
  sql: Sql,
  storeId: string,
  productIds: readonly string[],
): Promise<{ productId: string; collections: Named[] }[]> {
  return sql<{ productId: string; collections: Named[] }[]>`
    SELECT product_id AS "productId", document -> 'collections' AS collections FROM storefront.product_summary
    WHERE store_id = ${storeId} AND product_id = ANY(${productIds as string[]})`;
}
