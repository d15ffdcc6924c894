import type { Sql } from "../../platform/postgres/index.ts";

export type ErasePage = {
  /** After this id; empty: from the first. */
  after: string;
  limit: number;
  isTheirs(cart: { email: string | null; customerId: string | null }): boolean;
};

/** Takes mail, address, note and customer out of carts of one page of a store. `next` is null when it was the last. */
export async function eraseCarts(
  tx: Sql,
  storeId: string,
  page: ErasePage,
): Promise<{ next: string | null; erased: number; words: string[] }> {
  const seen = await tx<{ id: string; email: string | null; customerId: string | null }[]>`
    SELECT id, email, customer_id AS "customerId" FROM carts.cart
    WHERE store_id = ${storeId} AND id > ${page.after} ORDER BY id LIMIT ${page.limit}`;
  const ids = seen.filter(page.isTheirs).map(cart => cart.id);
  const next = seen.length === page.limit ? seen.at(-1)!.id : null;
  if (ids.length === 0) return { next, erased: 0, words: [] };
  const rows = await tx<{ email: string | null; address: Record<string, string> | null }[]>`
    SELECT email, shipping_address AS address FROM carts.cart
    WHERE store_id = ${storeId} AND id = ANY(${ids}) ORDER BY id FOR UPDATE`;
  await tx`
    UPDATE carts.cart SET email = NULL, shipping_address = NULL, note = NULL, customer_id = NULL, version = version + 1
    WHERE store_id = ${storeId} AND id = ANY(${ids})`;
  const words = rows.flatMap(({ email, address }) => {
    const { country: _, region: __, ...personal } = address ?? {};
    return [email ?? "", ...Object.values(personal)];
  });
  return { next, erased: ids.length, words: words.filter(word => typeof word === "string" && word !== "") };
}

/** The orders that a customer's carts have become. */
export async function ordersOfCustomer(sql: Sql, storeId: string, customerId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT order_id AS id FROM carts.cart
    WHERE store_id = ${storeId} AND customer_id = ${customerId} AND order_id IS NOT NULL`;
  return rows.map(row => row.id);
}
