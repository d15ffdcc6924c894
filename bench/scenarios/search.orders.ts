/** Orders past the modules' doors, as if they had been placed: some products are bought much more than others. */
import type { Db } from "../../platform/postgres/index.ts";

const LINES_OF_ORDER = 4;
const FRESH = 2_000;
const CHUNK = 50_000;

/** Orders with so many lines, learnt; returns the ids of some more that are not learnt yet. */
export async function learnMany(
  sql: Db,
  shop: { storeId: string; productIds: readonly string[] },
  lines: number,
): Promise<string[]> {
  const orders = lines / LINES_OF_ORDER;
  for (let from = 0; from < orders + FRESH; from += CHUNK) {
    const to = Math.min(orders + FRESH, from + CHUNK) - 1;
    await sql`
      WITH made AS MATERIALIZED (
        SELECT 'ord_' || lpad(n::text, 12, '0') AS id FROM generate_series(${from}::integer, ${to}::integer) n
      ), orders AS (
        INSERT INTO orders.order (store_id, id, number, status, cart_id, reservation_id, intent_id, currency,
                                  subtotal_minor, total_minor)
        SELECT ${shop.storeId}, id, id, 'placed', id, id, id, 'EUR', ${LINES_OF_ORDER}, ${LINES_OF_ORDER} FROM made
      )
      INSERT INTO orders.line (store_id, order_id, position, variant_id, product_id, title, quantity, unit_minor, total_minor)
      SELECT ${shop.storeId}, made.id, p, 'v',
        (${shop.productIds as string[]}::text[])[1 + floor(power(random(), 3) * ${shop.productIds.length}::integer)::integer],
        'Bench', 1, 1, 1
      FROM made, generate_series(1, ${LINES_OF_ORDER}::integer) p`;
  }
  const last = `ord_${String(orders).padStart(12, "0")}`;
  await sql`
    INSERT INTO recommendations.product (store_id, product_id, orders)
    SELECT store_id, product_id, count(DISTINCT order_id) FROM orders.line
    WHERE store_id = ${shop.storeId} AND order_id < ${last} GROUP BY 1, 2`;
  await sql`
    INSERT INTO recommendations.pair (store_id, product_id, other_id, orders)
    SELECT a.store_id, a.product_id, b.product_id, count(DISTINCT a.order_id)
    FROM orders.line a JOIN orders.line b ON b.store_id = a.store_id AND b.order_id = a.order_id
    WHERE a.store_id = ${shop.storeId} AND a.order_id < ${last} AND a.product_id <> b.product_id GROUP BY 1, 2, 3`;
  await sql`VACUUM ANALYZE orders.order, orders.line, recommendations.product, recommendations.pair`;
  return Array.from({ length: FRESH }, (_, i) => `ord_${String(orders + i).padStart(12, "0")}`);
}
