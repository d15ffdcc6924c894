/** SQL of the module that is not in its functions (migrations/). */
import type { Sql } from "../../platform/postgres/index.ts";
import type { Address, CartStatus, Quote } from "./model.ts";

export type CartRow = {
  id: string;
  status: CartStatus;
  version: number;
  currency: string;
  /** Null: a guest's. */
  customerId: string | null;
  email: string | null;
  shippingAddress: Address | null;
  note: string | null;
  shownTotalMinor: number;
  orderId: string | null;
  createdAt: Date;
  updatedAt: Date;
};

const columns = (sql: Sql) => sql`
  id, status, version, currency, customer_id AS "customerId", email, shipping_address AS "shippingAddress", note,
  shown_total_minor AS "shownTotalMinor", order_id AS "orderId", created_at AS "createdAt", updated_at AS "updatedAt"`;

/** A customer's cart knows where its mails go. */
export async function insertCart(
  sql: Sql,
  storeId: string,
  cart: { id: string; currency: string; customerId: string | null },
): Promise<void> {
  await sql`
    INSERT INTO carts.cart (store_id, id, currency, customer_id, email)
    VALUES (${storeId}, ${cart.id}, ${cart.currency}, ${cart.customerId},
            customers.email_of(${storeId}, ${cart.customerId}))`;
}

export async function selectCart(sql: Sql, storeId: string, id: string): Promise<CartRow | null> {
  const [row] = await sql<CartRow[]>`
    SELECT ${columns(sql)} FROM carts.cart WHERE store_id = ${storeId} AND id = ${id}`;
  return row ?? null;
}

/** Locks an open cart for the rest of the transaction and raises its version; null when it is missing or not open. */
export async function touchOpen(tx: Sql, storeId: string, id: string): Promise<CartRow | null> {
  const [row] = await tx<CartRow[]>`
    UPDATE carts.cart SET version = version + 1, updated_at = now(), abandoned_at = NULL
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

export async function setNote(tx: Sql, storeId: string, id: string, note: string | null): Promise<void> {
  await tx`UPDATE carts.cart SET note = ${note} WHERE store_id = ${storeId} AND id = ${id}`;
}

/** Whether a cart may have this method, and whether it might if it went elsewhere. */
export async function selectOffer(
  tx: Sql,
  storeId: string,
  id: string,
  methodId: string,
): Promise<{ here: boolean; anywhere: boolean }> {
  const [row] = await tx<{ here: boolean; anywhere: boolean }[]>`
    SELECT EXISTS (SELECT FROM shipping.offer(c.store_id, ${methodId}, c.currency,
                                              c.shipping_address ->> 'country')) AS here,
           EXISTS (SELECT FROM shipping.offer(c.store_id, ${methodId}, c.currency, NULL)) AS anywhere
    FROM carts.cart c WHERE c.store_id = ${storeId} AND c.id = ${id}`;
  return row ?? { here: false, anywhere: false };
}

export async function setMethod(
  tx: Sql,
  storeId: string,
  id: string,
  methodId: string | null,
): Promise<void> {
  await tx`UPDATE carts.cart SET shipping_method_id = ${methodId} WHERE store_id = ${storeId} AND id = ${id}`;
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

export type Quoted = { quote: Quote; available: Record<string, number> };

/** What the cart costs now, and what can be sold of its variants; null when there is no such cart. */
export async function selectQuote(sql: Sql, storeId: string, cartId: string): Promise<Quoted | null> {
  const [row] = await sql<Quoted[]>`
    SELECT q.quote,
           (SELECT coalesce(jsonb_object_agg(a.variant_id, a.available), '{}')
            FROM inventory.available(${storeId},
              ARRAY(SELECT l ->> 'variantId' FROM jsonb_array_elements(q.quote -> 'lines') l)) a) AS available
    FROM carts.quotes(jsonb_build_array(
      jsonb_build_object('storeId', ${storeId}::text, 'cartId', ${cartId}::text))) q`;
  return row ?? null;
}

/**
 * Remembers what is about to be shown: the total, and the shipping method that the cart may have. Nothing is written when
 * the cart has changed since that was computed.
 */
export async function setShown(
  sql: Sql,
  storeId: string,
  cart: Pick<CartRow, "id" | "version">,
  shown: { totalMinor: number; methodId: string | null },
): Promise<void> {
  await sql`
    UPDATE carts.cart SET shown_total_minor = ${shown.totalMinor}, shipping_method_id = ${shown.methodId}
    WHERE store_id = ${storeId} AND id = ${cart.id} AND version = ${cart.version} AND status = 'open'`;
}
