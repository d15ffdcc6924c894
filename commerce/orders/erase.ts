/**
 * Orders without the person. The books stay: numbers, lines, amounts, taxes, and the country and region that the tax was
 * reckoned by. Address, mail, note, tracking numbers and what people wrote about refunds go.
 */
import type { Sql } from "../../platform/postgres/index.ts";

export type PersonalOrder = { id: string; words: string[] };

export type ErasePage = {
  /** After this id, oldest first; empty: from the first. */
  after: string;
  limit: number;
  isTheirs(order: { id: string; email: string | null }): boolean;
};

/** Looks through one page of a store's orders. `next` is null when it was the last. */
export async function eraseOrders(
  tx: Sql,
  storeId: string,
  page: ErasePage,
): Promise<{ next: string | null; erased: PersonalOrder[] }> {
  const seen = await tx<{ id: string; email: string | null }[]>`
    SELECT id, email FROM orders.order WHERE store_id = ${storeId} AND id > ${page.after} ORDER BY id LIMIT ${page.limit}`;
  const ids = seen.filter(page.isTheirs).map(order => order.id);
  const next = seen.length === page.limit ? seen.at(-1)!.id : null;
  return { next, erased: ids.length === 0 ? [] : await erase(tx, storeId, ids) };
}

async function erase(tx: Sql, storeId: string, ids: string[]): Promise<PersonalOrder[]> {
  const rows = await tx<
    { id: string; email: string | null; address: Record<string, string> | null; tracking: string[] }[]
  >`
    SELECT o.id, o.email, o.shipping_address AS address,
           ARRAY(SELECT a.tracking_number FROM orders.action a WHERE a.store_id = o.store_id AND a.order_id = o.id
                 AND a.tracking_number IS NOT NULL) AS tracking
    FROM orders.order o WHERE o.store_id = ${storeId} AND o.id = ANY(${ids}) ORDER BY o.id FOR UPDATE OF o`;
  await tx`
    UPDATE orders.order SET email = NULL, note = NULL,
      shipping_address = CASE WHEN shipping_address IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object(
        'country', shipping_address -> 'country', 'region', shipping_address -> 'region')) END
    WHERE store_id = ${storeId} AND id = ANY(${ids})`;
  await tx`
    UPDATE orders.action SET tracking_number = NULL, reason = NULL
    WHERE store_id = ${storeId} AND order_id = ANY(${ids}) AND num_nonnulls(tracking_number, reason) > 0`;
  await tx`
    UPDATE orders.event SET data = data - 'trackingNumber' - 'reason' - 'error'
    WHERE store_id = ${storeId} AND order_id = ANY(${ids}) AND data ?| ARRAY['trackingNumber', 'reason', 'error']`;
  return rows.map(({ id, email, address, tracking }) => ({ id, words: wordsOf(email, address, tracking) }));
}

/** What names the person; not the country and region, which stay. */
function wordsOf(email: string | null, address: Record<string, string> | null, tracking: string[]): string[] {
  const { country: _, region: __, ...personal } = address ?? {};
  return [email ?? "", ...Object.values(personal), ...tracking].filter(
    word => typeof word === "string" && word !== "",
  );
}
