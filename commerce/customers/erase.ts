import type { Sql } from "../../platform/postgres/index.ts";

export type Removed = {
  id: string;
  email: string;
  name: string | null;
  phone: string | null;
  resetIds: string[];
  /** Of the sessions that ended; hand them to `forgetSessions` after the commit. */
  sessions: Buffer[];
};

/** Deletes a customer with sessions and password resets. Null: there is none. */
export async function removeCustomer(
  tx: Sql,
  storeId: string,
  by: { id: string } | { emailKey: string },
): Promise<Removed | null> {
  const which = "id" in by ? tx`id = ${by.id}` : tx`email_key = ${by.emailKey}`;
  const [found] = await tx<Omit<Removed, "resetIds" | "sessions">[]>`
    SELECT id, email, name, phone FROM customers.customer WHERE store_id = ${storeId} AND ${which} FOR UPDATE`;
  if (!found) return null;
  const { id } = found;
  const sessions = await tx<{ hash: Buffer }[]>`
    DELETE FROM customers.session WHERE store_id = ${storeId} AND customer_id = ${id} RETURNING token_hash AS hash`;
  const resets = await tx<{ id: string }[]>`
    DELETE FROM customers.password_reset WHERE store_id = ${storeId} AND customer_id = ${id} RETURNING id`;
  await tx`DELETE FROM customers.customer WHERE store_id = ${storeId} AND id = ${id}`;
  return { ...found, resetIds: resets.map(row => row.id), sessions: sessions.map(row => row.hash) };
}
