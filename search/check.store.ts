/** The SQL of the nightly check. */
import type { Sql } from "../platform/postgres/index.ts";
import type { SearchDocument } from "./document.ts";

/** Another sample each time; in the order of ids. */
export async function selectSample(sql: Sql, storeId: string, limit: number): Promise<string[]> {
  const rows = await sql<{ productId: string }[]>`
    SELECT product_id AS "productId" FROM (
      SELECT product_id FROM search.document WHERE store_id = ${storeId} ORDER BY random() LIMIT ${limit}) sampled
    ORDER BY product_id`;
  return rows.map(row => row.productId);
}

export async function selectVersions(
  sql: Sql,
  storeId: string,
  ids: readonly string[],
): Promise<Map<string, number>> {
  const rows = await sql<{ productId: string; version: number }[]>`
    SELECT product_id AS "productId", version FROM search.document
    WHERE store_id = ${storeId} AND product_id = ANY(${ids as string[]})`;
  return new Map(rows.map(row => [row.productId, row.version]));
}

/** Those that the engine has confirmed, as they are. */
export async function selectSettled(
  sql: Sql,
  storeId: string,
  ids: readonly string[],
): Promise<{ productId: string; document: SearchDocument | null }[]> {
  return sql<{ productId: string; document: SearchDocument | null }[]>`
    SELECT product_id AS "productId", document FROM search.document
    WHERE store_id = ${storeId} AND product_id = ANY(${ids as string[]}) AND confirmed_version = version AND task IS NULL`;
}

/** What the engine must hold: by product the version that it confirmed. */
export async function selectConfirmed(sql: Sql, storeId: string): Promise<Map<string, number>> {
  const rows = await sql<{ productId: string; version: number }[]>`
    SELECT product_id AS "productId", confirmed_version AS version FROM search.document
    WHERE store_id = ${storeId} AND confirmed_version > 0 AND NOT (deleted AND confirmed_version = version)`;
  return new Map(rows.map(row => [row.productId, row.version]));
}

/** For the unknown among these. */
export async function insertTombstones(sql: Sql, storeId: string, ids: readonly string[]): Promise<void> {
  await sql`
    INSERT INTO search.document (store_id, product_id, deleted, content_hash, text_hash)
    SELECT ${storeId}, id, true, 'gone', 'gone' FROM unnest(${ids as string[]}::text[]) id
    ON CONFLICT DO NOTHING`;
}
