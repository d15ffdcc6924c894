/** SQL of the module that is not in its functions (migrations/). */
import type { Sql } from "../../platform/postgres/index.ts";
import type { Address, CartLine, CartStatus } from "./model.ts";

export type CartRow = {
  id: string;
  status: CartStatus;
  version: number;
  currency: string;
  email: string | null;
  shippingAddress: Address | null;
  shownTotalMinor: number;
  orderId: string | null;
  createdAt: Date;
  updatedAt: Date;
};

const columns = (sql: Sql) => sql`
  id, status, version, currency, email, shipping_address AS "shippingAddress",
  shown_total_minor AS "shownTotalMinor", order_id AS "orderId", created_at AS "createdAt", updated_at AS "updatedAt"`;

export async function insertCart(sql: Sql, storeId: string, id: string, currency: string): Promise<void> {
  await sql`INSERT INTO carts.cart (store_id, id, currency) VALUES (${storeId}, ${id}, ${currency})`;
}

export async function selectCart(sql: Sql, storeId: string, id: string): Promise<CartRow | null> {
  const [row] = await sql<CartRow[]>`
    SELECT ${columns(sql)} FROM carts.cart WHERE store_id = ${storeId} AND id = ${id}`;
  return row ?? null;
}

/** Locks an open cart for the rest of the transaction and raises its version; null when it is missing or not open. */
export async function touchOpen(tx: Sql, storeId: string, id: string): Promise<CartRow | null> {
  const [row] = await tx<CartRow[]>`
    UPDATE carts.cart SET version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} AND id = ${id} AND status = 'open' RETURNING ${columns(tx)}`;
  return row ?? null;
}

export async function setEmail(tx: Sql, storeId: string, id: string, email: string | null): Promise<void> {
  await tx`UPDATE carts.cart SET email = ${email} WHERE store_id = ${storeId} AND id = ${id}`;
}

export async function setAddress(
  tx: Sql,
  storeId: string,
  id: string,
  address: Address | null,
): Promise<void> {
  const value = address && tx.json(address as never);
  await tx`UPDATE carts.cart SET shipping_address = ${value} WHERE store_id = ${storeId} AND id = ${id}`;
}

export type Sellable = { status: string; priced: boolean };

/** Whether a variant can be put into a cart; null when the store has no such variant. */
export async function selectSellable(
  sql: Sql,
  storeId: string,
  currency: string,
  variantId: string,
): Promise<Sellable | null> {
  const [row] = await sql<Sellable[]>`
    SELECT s.status, p.variant_id IS NOT NULL AS priced
    FROM catalog.sellable(${storeId}, ${[variantId]}) s
    LEFT JOIN pricing.current(${storeId}, ${currency}, ${[variantId]}) p ON p.variant_id = s.variant_id`;
  return row ?? null;
}

export type NewLine = { id: string; variantId: string; quantity: number };

/** Adds to the line of this variant or makes one; false when the line would hold more than `max`. */
export async function mergeLine(
  tx: Sql,
  storeId: string,
  cartId: string,
  line: NewLine,
  max: number,
): Promise<boolean> {
  const rows = await tx`
    INSERT INTO carts.line AS l (store_id, cart_id, id, variant_id, quantity)
    VALUES (${storeId}, ${cartId}, ${line.id}, ${line.variantId}, ${line.quantity})
    ON CONFLICT (store_id, cart_id, variant_id) DO UPDATE SET quantity = l.quantity + excluded.quantity
    WHERE l.quantity + excluded.quantity <= ${max} RETURNING 1`;
  return rows.length > 0;
}

export async function countLines(tx: Sql, storeId: string, cartId: string): Promise<number> {
  const [row] = await tx<{ count: number }[]>`
    SELECT count(*)::int AS count FROM carts.line WHERE store_id = ${storeId} AND cart_id = ${cartId}`;
  return row!.count;
}

export async function updateLine(
  tx: Sql,
  storeId: string,
  cartId: string,
  lineId: string,
  quantity: number,
): Promise<boolean> {
  const rows = await tx`
    UPDATE carts.line SET quantity = ${quantity}
    WHERE store_id = ${storeId} AND cart_id = ${cartId} AND id = ${lineId} RETURNING 1`;
  return rows.length > 0;
}

export async function deleteLine(tx: Sql, storeId: string, cartId: string, lineId: string): Promise<boolean> {
  const rows = await tx`
    DELETE FROM carts.line WHERE store_id = ${storeId} AND cart_id = ${cartId} AND id = ${lineId} RETURNING 1`;
  return rows.length > 0;
}

export async function selectLines(sql: Sql, storeId: string, cartId: string): Promise<CartLine[]> {
  return sql<CartLine[]>`
    WITH q AS (SELECT * FROM carts.quote(${storeId}, ${cartId}))
    SELECT q.line_id AS id, q.variant_id AS "variantId", q.product_id AS "productId", q.sku, q.title, q.quantity,
           q.unit_minor AS "unitMinor", q.compare_at_minor AS "compareAtMinor", 0 AS "discountMinor",
           CASE WHEN q.sellable THEN q.total_minor ELSE 0 END AS "totalMinor", a.available, q.sellable
    FROM q
    LEFT JOIN inventory.available(${storeId}, (SELECT array_agg(q.variant_id) FROM q)) a
      ON a.variant_id = q.variant_id
    ORDER BY q.line_id`;
}

/** Remembers the total that is about to be shown, unless the cart has changed since it was computed. */
export async function setShown(
  sql: Sql,
  storeId: string,
  cart: Pick<CartRow, "id" | "version">,
  totalMinor: number,
): Promise<void> {
  await sql`
    UPDATE carts.cart SET shown_total_minor = ${totalMinor}
    WHERE store_id = ${storeId} AND id = ${cart.id} AND version = ${cart.version} AND status = 'open'`;
}
