/** The SQL of the module: calls of functions that inventory publishes. */
import type { Sql } from "../../platform/postgres/index.ts";

export type StockRow = { variantId: string; available: number; backorder: boolean };

export async function selectStock(
  sql: Sql,
  storeId: string,
  variantIds: readonly string[],
): Promise<StockRow[]> {
  return sql<StockRow[]>`
    SELECT variant_id AS "variantId", available, backorder
    FROM inventory.available(${storeId}, ${variantIds as string[]})`;
}
