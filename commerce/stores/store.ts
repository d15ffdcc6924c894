/** All SQL of the module. */
import type { Sql } from "../../platform/postgres/index.ts";
import type { Access, KeyInfo, KeyKind, Role, Store } from "./model.ts";

/** False when a store of that id exists already. */
export async function insertStore(sql: Sql, store: Omit<Store, "createdAt">): Promise<Store | null> {
  const [row] = await sql<Store[]>`
    INSERT INTO stores.store (id, name, currency) VALUES (${store.id}, ${store.name}, ${store.currency})
    ON CONFLICT (id) DO NOTHING
    RETURNING id, name, currency, created_at AS "createdAt"`;
  return row ?? null;
}

export async function selectStore(sql: Sql, id: string): Promise<Store | null> {
  const [row] = await sql<Store[]>`
    SELECT id, name, currency, created_at AS "createdAt" FROM stores.store WHERE id = ${id}`;
  return row ?? null;
}

export async function selectStores(sql: Sql, after: string, limit: number): Promise<Store[]> {
  return sql<Store[]>`
    SELECT id, name, currency, created_at AS "createdAt" FROM stores.store
    WHERE id > ${after} ORDER BY id LIMIT ${limit}`;
}

export type NewKey = {
  id: string;
  storeId: string | null;
  kind: KeyKind;
  role: Role;
  name: string;
  hash: Buffer;
  prefix: string;
};

export async function insertKey(sql: Sql, key: NewKey): Promise<void> {
  await sql`
    INSERT INTO stores.api_key (id, store_id, kind, role, name, hash, prefix)
    VALUES (${key.id}, ${key.storeId}, ${key.kind}, ${key.role}, ${key.name}, ${key.hash}, ${key.prefix})`;
}

export type FoundKey = Access & { stale: boolean };

/** `stale`: the time of last use is old enough to be written again. */
export async function selectKey(sql: Sql, hash: Buffer, throttleMs: number): Promise<FoundKey | null> {
  const [row] = await sql<FoundKey[]>`
    SELECT id, kind, store_id AS "storeId", role,
           coalesce(last_used_at < now() - ${throttleMs} * interval '1 millisecond', true) AS stale
    FROM stores.api_key WHERE hash = ${hash} AND revoked_at IS NULL`;
  return row ?? null;
}

/** Conditional, so that of many requests at the same moment one writes. */
export async function touchKey(sql: Sql, id: string, throttleMs: number): Promise<void> {
  await sql`
    UPDATE stores.api_key SET last_used_at = now()
    WHERE id = ${id}
      AND coalesce(last_used_at < now() - ${throttleMs} * interval '1 millisecond', true)`;
}

export async function selectKeys(
  sql: Sql,
  storeId: string | null | undefined,
  page: { after: string; limit: number },
): Promise<KeyInfo[]> {
  const which = storeId === undefined ? sql`` : sql`AND store_id IS NOT DISTINCT FROM ${storeId}`;
  return sql<KeyInfo[]>`
    SELECT id, kind, store_id AS "storeId", role, name, prefix, created_at AS "createdAt",
           last_used_at AS "lastUsedAt", revoked_at AS "revokedAt"
    FROM stores.api_key WHERE id > ${page.after} ${which} ORDER BY id LIMIT ${page.limit}`;
}

export async function markRevoked(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql`
    UPDATE stores.api_key SET revoked_at = now() WHERE id = ${id} AND revoked_at IS NULL RETURNING id`;
  return rows.length > 0;
}
