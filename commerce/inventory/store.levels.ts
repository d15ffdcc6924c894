/** SQL of levels and of the ledger, for lists and settings. */
import type { Sql, Tx } from "../../platform/postgres/index.ts";
import type { LedgerEntry, Level, ListedLevel } from "./model.ts";

/** Of a level called `l`. */
export const levelColumns = (sql: Sql) => sql`
  l.variant_id AS "variantId", l.product_id AS "productId", l.location_id AS "locationId", l.on_hand AS "onHand",
  l.reserved, l.incoming, greatest(l.on_hand - l.reserved, 0) AS available, l.backorder,
  l.low_threshold AS "lowThreshold", l.is_low AS low, l.version,
  to_char(l.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "updatedAt"`;

export type LevelFilter = {
  variantId?: string | undefined;
  productId?: string | undefined;
  locationId?: string | undefined;
  /** True: only those at or below their threshold. */
  low?: boolean | undefined;
};

/** Each filter has an index that gives the order, so a page reads as many rows as it has. */
export async function selectLevels(
  sql: Sql,
  storeId: string,
  { variantId, productId, locationId, low }: LevelFilter,
  after: [variantId: string, locationId: string] | null,
  limit: number,
): Promise<ListedLevel[]> {
  return sql<ListedLevel[]>`
    WITH page AS (
      SELECT ${levelColumns(sql)} FROM inventory.level l
      WHERE l.store_id = ${storeId}
        ${variantId === undefined ? sql`` : sql`AND l.variant_id = ${variantId}`}
        ${productId === undefined ? sql`` : sql`AND l.product_id = ${productId}`}
        ${locationId === undefined ? sql`` : sql`AND l.location_id = ${locationId}`}
        ${low === undefined ? sql`` : low ? sql`AND l.is_low` : sql`AND NOT l.is_low`}
        ${after === null ? sql`` : sql`AND (l.variant_id, l.location_id) > (${after[0]}, ${after[1]})`}
      ORDER BY l.variant_id, l.location_id LIMIT ${limit})
    SELECT p.*, s.sku, CASE WHEN s.title = s.product_title THEN s.title ELSE s.product_title || ' – ' || s.title END AS title
    FROM page p
    LEFT JOIN catalog.sellable(${storeId}, (SELECT array_agg(p."variantId") FROM page p)) s
      ON s.variant_id = p."variantId"
    ORDER BY p."variantId", p."locationId"`;
}

export async function selectOf(
  sql: Sql,
  storeId: string,
  variantId: string,
  locationId: string | null,
): Promise<Level[]> {
  return sql<Level[]>`
    SELECT ${levelColumns(sql)} FROM inventory.level l
    WHERE l.store_id = ${storeId} AND l.variant_id = ${variantId}
      AND (${locationId}::text IS NULL OR l.location_id = ${locationId})
    ORDER BY l.location_id`;
}

export async function lockOf(
  tx: Tx,
  storeId: string,
  variantId: string,
  locationId: string | null,
): Promise<Level[]> {
  return tx<Level[]>`
    SELECT ${levelColumns(tx)} FROM inventory.level l
    WHERE l.store_id = ${storeId} AND l.variant_id = ${variantId}
      AND (${locationId}::text IS NULL OR l.location_id = ${locationId})
    ORDER BY l.store_id, l.variant_id, l.location_id FOR UPDATE`;
}

export async function ensureLevel(
  tx: Tx,
  storeId: string,
  variantId: string,
  locationId: string,
  productId: string,
): Promise<void> {
  await tx`
    INSERT INTO inventory.level (store_id, variant_id, location_id, product_id)
    VALUES (${storeId}, ${variantId}, ${locationId}, ${productId}) ON CONFLICT DO NOTHING`;
}

/**
 * Of the levels that {@link lockOf} gave and in its order: another may have come since, which nobody has looked at.
 * Undefined leaves a setting alone.
 */
export async function updateOf(
  tx: Tx,
  storeId: string,
  variantId: string,
  locationIds: readonly string[],
  to: { backorder?: boolean | undefined; lowThreshold?: number | null | undefined },
): Promise<Level[]> {
  await tx`
    UPDATE inventory.level l
    SET version = l.version + 1, updated_at = now()
        ${to.backorder === undefined ? tx`` : tx`, backorder = ${to.backorder}`}
        ${to.lowThreshold === undefined ? tx`` : tx`, low_threshold = ${to.lowThreshold}`}
    WHERE l.store_id = ${storeId} AND l.variant_id = ${variantId} AND l.location_id = ANY(${locationIds})`;
  return tx<Level[]>`
    SELECT ${levelColumns(tx)} FROM inventory.level l
    WHERE l.store_id = ${storeId} AND l.variant_id = ${variantId} AND l.location_id = ANY(${locationIds})
    ORDER BY l.store_id, l.variant_id, l.location_id`;
}

export async function locationExists(sql: Sql, storeId: string, id: string): Promise<boolean> {
  const rows = await sql`SELECT 1 FROM inventory.location WHERE store_id = ${storeId} AND id = ${id}`;
  return rows.length > 0;
}

export type LedgerFilter = {
  variantId?: string | undefined;
  locationId?: string | undefined;
};

/** Ids are UUIDv7: by id is by time. */
export async function selectLedger(
  sql: Sql,
  storeId: string,
  { variantId, locationId }: LedgerFilter,
  before: string | null,
  limit: number,
): Promise<LedgerEntry[]> {
  return sql<LedgerEntry[]>`
    SELECT a.id, a.variant_id AS "variantId", a.location_id AS "locationId", a.delta, a.reason, a.author, a.key, a.at
    FROM inventory.adjustment a
    WHERE a.store_id = ${storeId}
      ${variantId === undefined ? sql`` : sql`AND a.variant_id = ${variantId}`}
      ${locationId === undefined ? sql`` : sql`AND a.location_id = ${locationId}`}
      ${before === null ? sql`` : sql`AND a.id < ${before}::uuid`}
    ORDER BY a.id DESC LIMIT ${limit}`;
}
