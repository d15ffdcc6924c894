/** SQL of carts that have a customer, or are left by theirs, that is not in functions (migrations/). */
import type { Sql } from "../../platform/postgres/index.ts";

export async function markAbandoned(
  tx: Sql,
  idleHours: number,
  limit: number,
): Promise<{ storeId: string; cartId: string }[]> {
  return tx`
    SELECT store_id AS "storeId", cart_id AS "cartId"
    FROM carts.abandon(${idleHours} * interval '1 hour', ${limit})`;
}

/** One change of a customer's carts by logging in at a time. */
export async function lockCustomer(tx: Sql, storeId: string, customerId: string): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(hashtextextended(${`carts:${storeId}:${customerId}`}, 0))`;
}

/** The open cart that a customer changed last; in any currency when that is null. */
export async function selectOpenCartOf(
  sql: Sql,
  storeId: string,
  customerId: string,
  currency: string | null,
): Promise<string | null> {
  const [row] = await sql<{ id: string }[]>`
    SELECT id FROM carts.cart
    WHERE store_id = ${storeId} AND customer_id = ${customerId} AND status = 'open'
      AND (${currency}::text IS NULL OR currency = ${currency})
    ORDER BY updated_at DESC, id DESC LIMIT 1`;
  return row?.id ?? null;
}

export async function setCustomer(tx: Sql, storeId: string, id: string, customerId: string): Promise<void> {
  await tx`
    UPDATE carts.cart
    SET customer_id = ${customerId}, email = coalesce(email, customers.email_of(${storeId}, ${customerId}))
    WHERE store_id = ${storeId} AND id = ${id}`;
}

type Move = { from: string; to: string };

export async function moveLines(
  tx: Sql,
  storeId: string,
  { from, to }: Move,
  max: { quantity: number; lines: number },
): Promise<void> {
  await tx`SELECT carts.move_lines(${storeId}, ${from}, ${to}, ${max.quantity}, ${max.lines})`;
}

/** What the guest has told already and the customer's cart does not know. */
export async function fillBlanks(tx: Sql, storeId: string, { from, to }: Move): Promise<void> {
  await tx`
    UPDATE carts.cart own
    SET shipping_address = coalesce(own.shipping_address, guest.shipping_address),
        email = coalesce(own.email, guest.email), note = coalesce(own.note, guest.note)
    FROM carts.cart guest
    WHERE own.store_id = ${storeId} AND own.id = ${to} AND guest.store_id = ${storeId} AND guest.id = ${from}`;
}
