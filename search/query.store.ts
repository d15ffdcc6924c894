/** The SQL of queries beside the engines': what is known of a store's content, and single documents. */
import type { Sql } from "../platform/postgres/index.ts";
import type { SearchItem } from "./document.ts";

/** 0: search knows nothing of the store. */
export async function selectGeneration(sql: Sql, storeId: string): Promise<number> {
  const [row] = await sql<{ generation: number }[]>`
    SELECT generation FROM search.content WHERE store_id = ${storeId}`;
  return row?.generation ?? 0;
}

/** Hits of these products, in their order; those that shops don't show are absent. */
export async function selectItems(
  sql: Sql,
  storeId: string,
  productIds: readonly string[],
): Promise<SearchItem[]> {
  const rows = await sql<{ item: SearchItem }[]>`
    SELECT d.document -> 'item' AS item
    FROM unnest(${productIds as string[]}::text[]) WITH ORDINALITY AS asked (id, place)
    JOIN search.document d ON d.store_id = ${storeId} AND d.product_id = asked.id AND NOT d.deleted
    ORDER BY asked.place`;
  return rows.map(row => row.item);
}
