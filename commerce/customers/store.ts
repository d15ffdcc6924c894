/** All SQL of the module that is not in its functions (migrations/). */
import type { Sql } from "../../platform/postgres/index.ts";
import type { Customer } from "./model.ts";

const shown = (sql: Sql) => sql`
  id, email, name, phone,
  to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "createdAt",
  to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "updatedAt"`;

export type CustomerRow = {
  id: string;
  email: string;
  emailKey: string;
  passwordHash: string;
  name: string | null;
  phone: string | null;
};

/** Null when the mail is taken in this store. */
export async function insertCustomer(sql: Sql, storeId: string, row: CustomerRow): Promise<Customer | null> {
  const [made] = await sql<Customer[]>`
    INSERT INTO customers.customer (store_id, id, email, email_key, password_hash, name, phone)
    VALUES (${storeId}, ${row.id}, ${row.email}, ${row.emailKey}, ${row.passwordHash}, ${row.name}, ${row.phone})
    ON CONFLICT (store_id, email_key) DO NOTHING RETURNING ${shown(sql)}`;
  return made ?? null;
}

export async function selectCustomer(sql: Sql, storeId: string, id: string): Promise<Customer | null> {
  const [row] = await sql<Customer[]>`
    SELECT ${shown(sql)} FROM customers.customer WHERE store_id = ${storeId} AND id = ${id}`;
  return row ?? null;
}

export type Credentials = { id: string; passwordHash: string };

export async function selectCredentials(
  sql: Sql,
  storeId: string,
  by: { emailKey: string } | { id: string },
): Promise<Credentials | null> {
  const which = "id" in by ? sql`id = ${by.id}` : sql`email_key = ${by.emailKey}`;
  const [row] = await sql<Credentials[]>`
    SELECT id, password_hash AS "passwordHash" FROM customers.customer WHERE store_id = ${storeId} AND ${which}`;
  return row ?? null;
}

export type CustomerUpdate = {
  email: string | undefined;
  emailKey: string | undefined;
  passwordHash: string | undefined;
  name: string | null | undefined;
  phone: string | null | undefined;
};

/** @throws 23505 when the new mail is taken. Null: no such customer, or the password is not `ifHash` any more. */
export async function updateCustomer(
  tx: Sql,
  storeId: string,
  id: string,
  change: CustomerUpdate,
  ifHash: string | null,
): Promise<Customer | null> {
  const [row] = await tx<Customer[]>`
    UPDATE customers.customer SET
      email = coalesce(${change.email ?? null}, email),
      email_key = coalesce(${change.emailKey ?? null}, email_key),
      password_hash = coalesce(${change.passwordHash ?? null}, password_hash),
      name = CASE WHEN ${change.name === undefined} THEN name ELSE ${change.name ?? null} END,
      phone = CASE WHEN ${change.phone === undefined} THEN phone ELSE ${change.phone ?? null} END,
      updated_at = now()
    WHERE store_id = ${storeId} AND id = ${id}
      AND (${ifHash}::text IS NULL OR password_hash = ${ifHash}) RETURNING ${shown(tx)}`;
  return row ?? null;
}

export type SessionRow = { customerId: string; expiresAt: Date; stale: boolean };

/**
 * Only while the password is the one that was verified: FOR SHARE waits for a change of it and then looks again, so that
 * no session of an old password outlives the change. Null when it is another.
 */
export async function insertSession(
  sql: Sql,
  storeId: string,
  session: { hash: Buffer; customerId: string; passwordHash: string; lifeMs: number },
): Promise<Date | null> {
  const [row] = await sql<{ expiresAt: Date }[]>`
    WITH owner AS (
      SELECT id FROM customers.customer
      WHERE store_id = ${storeId} AND id = ${session.customerId} AND password_hash = ${session.passwordHash} FOR SHARE)
    INSERT INTO customers.session (store_id, token_hash, customer_id, expires_at)
    SELECT ${storeId}, ${session.hash}, owner.id, now() + ${session.lifeMs} * interval '1 millisecond' FROM owner
    RETURNING expires_at AS "expiresAt"`;
  return row?.expiresAt ?? null;
}

/** `stale`: it was extended long enough ago to be extended again. */
export async function selectSession(
  sql: Sql,
  storeId: string,
  hash: Buffer,
  extendAfterMs: number,
): Promise<SessionRow | null> {
  const [row] = await sql<SessionRow[]>`
    SELECT customer_id AS "customerId", expires_at AS "expiresAt",
           extended_at < now() - ${extendAfterMs} * interval '1 millisecond' AS stale
    FROM customers.session WHERE store_id = ${storeId} AND token_hash = ${hash} AND expires_at > now()`;
  return row ?? null;
}

/** Conditional, so that of many requests at the same moment one writes. */
export async function extendSession(
  sql: Sql,
  storeId: string,
  hash: Buffer,
  life: { extendAfterMs: number; lifeMs: number; longestMs: number },
): Promise<void> {
  await sql`
    UPDATE customers.session SET extended_at = now(),
      expires_at = least(now() + ${life.lifeMs} * interval '1 millisecond',
                         created_at + ${life.longestMs} * interval '1 millisecond')
    WHERE store_id = ${storeId} AND token_hash = ${hash}
      AND extended_at < now() - ${life.extendAfterMs} * interval '1 millisecond'`;
}

export async function deleteSession(sql: Sql, storeId: string, hash: Buffer): Promise<void> {
  await sql`DELETE FROM customers.session WHERE store_id = ${storeId} AND token_hash = ${hash}`;
}

/** The hashes of what was deleted. */
export async function deleteSessionsOf(tx: Sql, storeId: string, customerId: string): Promise<Buffer[]> {
  const rows = await tx<{ hash: Buffer }[]>`
    DELETE FROM customers.session WHERE store_id = ${storeId} AND customer_id = ${customerId}
    RETURNING token_hash AS hash`;
  return rows.map(row => row.hash);
}

/** Rows whose time is over; how many there were. */
export async function deleteExpired(sql: Sql, limit: number): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    WITH old_sessions AS (
      DELETE FROM customers.session WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM customers.session WHERE expires_at < now() LIMIT ${limit} FOR UPDATE SKIP LOCKED)) RETURNING 1),
    old_resets AS (
      DELETE FROM customers.password_reset WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM customers.password_reset WHERE expires_at < now() LIMIT ${limit} FOR UPDATE SKIP LOCKED))
      RETURNING 1)
    SELECT ((SELECT count(*) FROM old_sessions) + (SELECT count(*) FROM old_resets))::int AS count`;
  return row!.count;
}
