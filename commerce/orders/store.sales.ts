/** SQL of what was sold. Ids of orders carry a time, so that a span of time is a range of the index. */
import { idBoundary } from "../../platform/ids.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import type { BestSeller } from "./sales.ts";

/** How long before it is placed an order's id may have been made: it may wait in a queue. */
const QUEUED_MS = 3_600_000;

const placedSince = (sql: Sql, storeId: string, from: Date) => sql`
  o.store_id = ${storeId} AND o.id >= ${idBoundary("ord", from.getTime() - QUEUED_MS)} AND o.placed_at >= ${from}
  AND o.status IN ('placed', 'completed')`;

type SalesRow = { day: string; currency: string; orders: number; revenueMinor: number };

export function selectSales(sql: Sql, storeId: string, from: Date): Promise<SalesRow[]> {
  return sql<SalesRow[]>`
    SELECT to_char(o.placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, o.currency, count(*)::int AS orders,
           sum(o.total_minor - o.refunded_minor)::bigint AS "revenueMinor"
    FROM orders.order o WHERE ${placedSince(sql, storeId, from)} GROUP BY 1, 2`;
}

export function selectBestSellers(
  sql: Sql,
  storeId: string,
  from: Date,
  limit: number,
): Promise<BestSeller[]> {
  return sql<BestSeller[]>`
    SELECT l.product_id AS "productId", max(l.title) AS title, sum(l.quantity - l.refunded)::int AS units
    FROM orders.order o JOIN orders.line l ON l.store_id = o.store_id AND l.order_id = o.id
    WHERE ${placedSince(sql, storeId, from)}
    GROUP BY l.product_id HAVING sum(l.quantity - l.refunded) > 0 ORDER BY units DESC, l.product_id LIMIT ${limit}`;
}
