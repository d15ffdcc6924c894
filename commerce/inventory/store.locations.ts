/** SQL of stock locations. */
import type { Sql, Tx } from "../../platform/postgres/index.ts";
import type { Location } from "./model.ts";

const columns = (sql: Sql) => sql`
  id, name, is_default AS "isDefault", active, version, created_at AS "createdAt", updated_at AS "updatedAt"`;

type Settings = { name: string; isDefault: boolean; active: boolean };

/** Changes of a store's locations follow one another, so that it has one default at each moment. */
export async function lockStore(tx: Tx, storeId: string): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(hashtextextended('inventory.location:' || ${storeId}, 0))`;
}

export async function selectDefault(sql: Sql, storeId: string): Promise<string | null> {
  const [row] = await sql<{ id: string }[]>`
    SELECT id FROM inventory.location WHERE store_id = ${storeId} AND is_default`;
  return row?.id ?? null;
}

export async function clearDefault(tx: Tx, storeId: string): Promise<void> {
  await tx`
    UPDATE inventory.location SET is_default = false, version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} AND is_default`;
}

export async function insert(
  tx: Tx,
  storeId: string,
  { id, name, isDefault }: Omit<Settings, "active"> & { id: string },
): Promise<Location> {
  const [row] = await tx<Location[]>`
    INSERT INTO inventory.location (store_id, id, name, is_default)
    VALUES (${storeId}, ${id}, ${name}, ${isDefault}) RETURNING ${columns(tx)}`;
  return row!;
}

export async function select(sql: Sql, storeId: string, id: string): Promise<Location | null> {
  const [row] = await sql<Location[]>`
    SELECT ${columns(sql)} FROM inventory.location WHERE store_id = ${storeId} AND id = ${id}`;
  return row ?? null;
}

export async function selectPage(
  sql: Sql,
  storeId: string,
  after: string | null,
  limit: number,
): Promise<Location[]> {
  return sql<Location[]>`
    SELECT ${columns(sql)} FROM inventory.location
    WHERE store_id = ${storeId} AND (${after}::text IS NULL OR id > ${after}) ORDER BY id LIMIT ${limit}`;
}

export async function lock(tx: Tx, storeId: string, id: string): Promise<Location | null> {
  const [row] = await tx<Location[]>`
    SELECT ${columns(tx)} FROM inventory.location WHERE store_id = ${storeId} AND id = ${id} FOR UPDATE`;
  return row ?? null;
}

/** Shared locks, in the order of all flows; returns those that exist and are active. */
export async function shareActive(tx: Tx, storeId: string, ids: readonly string[]): Promise<string[]> {
  const rows = await tx<{ id: string }[]>`
    SELECT id FROM inventory.location
    WHERE store_id = ${storeId} AND id = ANY(${ids as string[]}) AND active ORDER BY id FOR SHARE`;
  return rows.map(row => row.id);
}

export async function update(tx: Tx, storeId: string, id: string, to: Settings): Promise<Location> {
  const [row] = await tx<Location[]>`
    UPDATE inventory.location
    SET name = ${to.name}, is_default = ${to.isDefault}, active = ${to.active}, version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} AND id = ${id} RETURNING ${columns(tx)}`;
  return row!;
}

export async function remove(tx: Tx, storeId: string, id: string): Promise<void> {
  await tx`DELETE FROM inventory.location WHERE store_id = ${storeId} AND id = ${id}`;
}

export async function wasUsed(tx: Tx, storeId: string, id: string): Promise<boolean> {
  const [row] = await tx<{ yes: boolean }[]>`
    SELECT EXISTS (SELECT 1 FROM inventory.level WHERE store_id = ${storeId} AND location_id = ${id})
        OR EXISTS (SELECT 1 FROM inventory.transfer
                   WHERE store_id = ${storeId} AND ${id} IN (from_location, to_location)) AS yes`;
  return row!.yes;
}

/** Locks the levels of a location, so that no sale changes them, and says whether anything is or comes there. */
export async function holdsSomething(tx: Tx, storeId: string, id: string): Promise<boolean> {
  await tx`
    SELECT 1 FROM inventory.level WHERE store_id = ${storeId} AND location_id = ${id}
    ORDER BY store_id, variant_id, location_id FOR UPDATE`;
  const [row] = await tx<{ yes: boolean }[]>`
    SELECT EXISTS (SELECT 1 FROM inventory.level WHERE store_id = ${storeId} AND location_id = ${id}
                   AND (on_hand <> 0 OR reserved <> 0 OR incoming <> 0))
        OR EXISTS (SELECT 1 FROM inventory.transfer WHERE store_id = ${storeId} AND from_location = ${id}
                   AND status IN ('draft', 'in_transit'))
        OR EXISTS (SELECT 1 FROM inventory.transfer WHERE store_id = ${storeId} AND to_location = ${id}
                   AND status IN ('draft', 'in_transit')) AS yes`;
  return row!.yes;
}

/** A level that takes backorders would go on selling. */
export async function stopBackorders(tx: Tx, storeId: string, id: string): Promise<void> {
  await tx`
    UPDATE inventory.level SET backorder = false, version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} AND location_id = ${id} AND backorder`;
}
