/** SQL of password resets that is not in functions (migrations/). */
import type { OutboxRow } from "../../bus/index.ts";
import type { Sql } from "../../platform/postgres/index.ts";

export async function requestReset(
  sql: Sql,
  storeId: string,
  reset: { id: string; emailKey: string; lifeMs: number; rows: readonly OutboxRow[] },
): Promise<void> {
  await sql`
    SELECT customers.request_reset(${storeId}, ${reset.emailKey}, ${reset.id}, ${reset.lifeMs}::bigint,
                                   ${sql.json(reset.rows as never)})`;
}

/** Who a reset is for; null when it is for nobody, used or expired. */
export async function selectResetEmail(sql: Sql, storeId: string, resetId: string): Promise<string | null> {
  const [row] = await sql<{ email: string }[]>`
    SELECT c.email FROM customers.password_reset r
    JOIN customers.customer c ON c.store_id = r.store_id AND c.id = r.customer_id
    WHERE r.store_id = ${storeId} AND r.id = ${resetId} AND r.used_at IS NULL AND r.expires_at > now()`;
  return row?.email ?? null;
}

/** When the token stops working; null when the reset is gone. */
export async function insertResetToken(
  sql: Sql,
  storeId: string,
  resetId: string,
  hash: Buffer,
): Promise<Date | null> {
  const [row] = await sql<{ expiresAt: Date }[]>`
    WITH made AS (
      INSERT INTO customers.reset_token (store_id, token_hash, reset_id)
      SELECT r.store_id, ${hash}, r.id FROM customers.password_reset r
      WHERE r.store_id = ${storeId} AND r.id = ${resetId} AND r.used_at IS NULL AND r.expires_at > now()
      RETURNING reset_id)
    SELECT r.expires_at AS "expiresAt" FROM customers.password_reset r JOIN made ON made.reset_id = r.id
    WHERE r.store_id = ${storeId}`;
  return row?.expiresAt ?? null;
}

export async function resetIsOpen(sql: Sql, storeId: string, hash: Buffer): Promise<boolean> {
  const rows = await sql`
    SELECT 1 FROM customers.reset_token t
    JOIN customers.password_reset r ON r.store_id = t.store_id AND r.id = t.reset_id
    WHERE t.store_id = ${storeId} AND t.token_hash = ${hash} AND r.used_at IS NULL AND r.expires_at > now()`;
  return rows.length > 0;
}

/** Uses a reset up, and with it the customer's other open ones; the customer, or null when somebody was faster. */
export async function useReset(tx: Sql, storeId: string, hash: Buffer): Promise<string | null> {
  const [row] = await tx<{ customerId: string }[]>`
    UPDATE customers.password_reset r SET used_at = now()
    FROM customers.reset_token t
    WHERE t.store_id = ${storeId} AND t.token_hash = ${hash} AND r.store_id = t.store_id AND r.id = t.reset_id
      AND r.used_at IS NULL AND r.expires_at > now() AND r.customer_id IS NOT NULL
    RETURNING r.customer_id AS "customerId"`;
  return row?.customerId ?? null;
}

export async function closeResetsOf(tx: Sql, storeId: string, customerId: string): Promise<void> {
  await tx`
    UPDATE customers.password_reset SET used_at = now()
    WHERE store_id = ${storeId} AND customer_id = ${customerId} AND used_at IS NULL`;
}
