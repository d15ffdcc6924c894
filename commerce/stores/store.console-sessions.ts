/** The SQL of console sessions. */
import type { Sql } from "../../platform/postgres/index.ts";
import type { ConsoleSession, SessionPart } from "./console-sessions.ts";
import type { Role } from "./model.ts";

const SWEEP = 1_000;

export type Replacement = {
  hash: Buffer;
  /** The session that this one takes the place of. */
  before: Buffer | null;
  kind: "ops" | "store";
  keyId: string;
  role: Role;
  lifeMs: number;
  idleMs: number;
};

/** One statement: the old session is gone with the commit that makes the new one. */
export async function replaceSession(sql: Sql, one: Replacement): Promise<void> {
  const [ops, store] =
    one.kind === "ops" ? [one, { keyId: null, role: null }] : [{ keyId: null, role: null }, one];
  await sql`
    WITH old AS (
      DELETE FROM stores.console_session WHERE hash = ${one.before}
      RETURNING ops_key_id, ops_role, store_key_id, store_role,
                expires_at > now() AND last_used_at > now() - ${one.idleMs} * interval '1 millisecond' AS valid
    ), kept AS (SELECT * FROM old WHERE valid UNION ALL SELECT null, null, null, null, true LIMIT 1)
    INSERT INTO stores.console_session
      (hash, ops_key_id, ops_role, store_key_id, store_role, expires_at)
    SELECT ${one.hash},
           coalesce(${ops.keyId}, ops_key_id), coalesce(${ops.role}, ops_role),
           coalesce(${store.keyId}, store_key_id), coalesce(${store.role}, store_role),
           now() + ${one.lifeMs} * interval '1 millisecond'
    FROM kept`;
}

type Row = {
  opsKey: string | null;
  opsName: string | null;
  opsRole: Role | null;
  storeKey: string | null;
  storeKeyName: string | null;
  storeRole: Role | null;
  storeId: string | null;
  storeName: string | null;
  currency: string | null;
  expiresAt: Date;
  stale: boolean;
};

export type FoundSession = ConsoleSession & { stale: boolean };

export async function selectSession(
  sql: Sql,
  hash: Buffer,
  { idleMs, touchMs }: { idleMs: number; touchMs: number },
): Promise<FoundSession | null> {
  const [row] = await sql<Row[]>`
    SELECT o.id AS "opsKey", o.name AS "opsName", CASE WHEN 'view' IN (o.role, s.ops_role) THEN 'view' ELSE 'operate' END AS "opsRole",
           k.id AS "storeKey", k.name AS "storeKeyName", CASE WHEN 'view' IN (k.role, s.store_role) THEN 'view' ELSE 'operate' END AS "storeRole",
           t.id AS "storeId", t.name AS "storeName", t.currency, s.expires_at AS "expiresAt",
           s.last_used_at < now() - ${touchMs} * interval '1 millisecond' AS stale
    FROM stores.console_session s
    LEFT JOIN stores.api_key o ON o.id = s.ops_key_id AND o.revoked_at IS NULL
    LEFT JOIN stores.api_key k ON k.id = s.store_key_id AND k.revoked_at IS NULL
    LEFT JOIN stores.store t ON t.id = k.store_id
    WHERE s.hash = ${hash} AND s.expires_at > now()
      AND s.last_used_at > now() - ${idleMs} * interval '1 millisecond'`;
  return row ? { ops: opsOf(row), store: storeOf(row), expiresAt: row.expiresAt, stale: row.stale } : null;
}

function opsOf(row: Row): SessionPart | null {
  if (row.opsKey === null) return null;
  return { id: row.opsKey, kind: "ops", storeId: null, name: row.opsName!, role: row.opsRole! };
}

function storeOf(row: Row): ConsoleSession["store"] {
  if (row.storeKey === null) return null;
  return {
    id: row.storeKey,
    kind: "secret",
    storeId: row.storeId!,
    name: row.storeKeyName!,
    role: row.storeRole!,
    storeName: row.storeName!,
    currency: row.currency!,
  };
}

/** Conditional, so that of many requests at the same moment one writes. */
export async function touchSession(sql: Sql, hash: Buffer, touchMs: number): Promise<void> {
  await sql`
    UPDATE stores.console_session SET last_used_at = now()
    WHERE hash = ${hash} AND last_used_at < now() - ${touchMs} * interval '1 millisecond'`;
}

export async function deleteSession(sql: Sql, hash: Buffer): Promise<void> {
  await sql`DELETE FROM stores.console_session WHERE hash = ${hash}`;
}

export async function deleteEnded(sql: Sql, idleMs: number): Promise<number> {
  const rows = await sql`
    DELETE FROM stores.console_session WHERE hash IN (
      SELECT hash FROM stores.console_session
      WHERE expires_at < now() OR last_used_at < now() - ${idleMs} * interval '1 millisecond'
      ORDER BY expires_at LIMIT ${SWEEP} FOR UPDATE SKIP LOCKED)
    RETURNING 1`;
  return rows.length;
}
