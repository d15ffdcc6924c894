/** For tests: what must hold of stock, money and orders at any time and at rest, and what brings a shop to rest. */
import { recoverCheckouts } from "../checkout/index.ts";
import type { Shop } from "../checkout/shop.fixture.ts";
import { commitReservation, releaseLapsed, sweepReservations } from "../inventory/index.ts";
import { factsOf, recoverActions } from "./index.ts";

export async function sweep(world: Shop): Promise<void> {
  const { sql, log, providers } = world.deps;
  await sweepReservations(world.deps);
  await recoverCheckouts(world.deps, { voidAfterMs: 0 });
  await recoverActions({ sql, log, providers }, { afterMs: 0 });
}

/** What the jobs in the outbox do, without removing them: each may run again. */
export async function runStockJobs(world: Shop): Promise<void> {
  const origin = { storeId: world.store.id };
  const rows = await world.sql`SELECT kind, payload FROM bus.outbox WHERE kind LIKE 'stock.%'`;
  for (const { kind, payload } of rows) {
    if (kind === "stock.release") await releaseLapsed(world.sql, origin, payload.reservationId);
    else {
      for (const orderId of payload.orderIds) {
        const order = await factsOf(world.sql, world.store.id, orderId);
        await commitReservation(world.sql, origin, order!.reservationId);
      }
    }
  }
}

/** Rows that break what always holds; there must be none at any time. */
export const violations = ({ sql }: Pick<Shop, "sql">) => sql`
  SELECT 'stock' AS what, l.variant_id AS id FROM inventory.level l
  WHERE l.reserved < 0 OR l.reserved > l.on_hand
     OR l.on_hand <> (SELECT coalesce(sum(a.delta), 0) FROM inventory.adjustment a
                      WHERE a.variant_id = l.variant_id AND a.location_id = l.location_id)
     OR l.reserved <> (SELECT coalesce(sum(i.quantity), 0) FROM inventory.reservation_line i
                       JOIN inventory.reservation r ON r.id = i.reservation_id
                       WHERE r.status = 'held' AND i.variant_id = l.variant_id AND i.location_id = l.location_id)
     OR l.incoming <> (SELECT coalesce(sum(i.quantity), 0) FROM inventory.transfer_line i
                       JOIN inventory.transfer f ON f.id = i.transfer_id
                       WHERE f.status = 'in_transit' AND f.to_location = l.location_id AND i.variant_id = l.variant_id)
  UNION ALL
  SELECT 'units came back twice', r.id FROM inventory.reservation r
  WHERE (SELECT coalesce(sum(i.restored), 0) FROM inventory.reservation_line i WHERE i.reservation_id = r.id)
     <> (SELECT coalesce(sum(a.delta), 0) FROM inventory.adjustment a WHERE a.key = 'return:' || r.id)
  UNION ALL
  SELECT 'totals', o.id FROM orders.order o
  WHERE o.subtotal_minor <> (SELECT sum(l.unit_minor * l.quantity) FROM orders.line l WHERE l.order_id = o.id)
     OR o.tax_minor <> (SELECT sum(l.tax_minor) FROM orders.line l WHERE l.order_id = o.id)
     OR o.total_minor <> o.subtotal_minor - o.discount_minor + o.shipping_minor
                         + CASE WHEN o.tax_included THEN 0 ELSE o.tax_minor END
     OR o.total_minor <> (SELECT i.amount_minor FROM payments.intent i WHERE i.id = o.intent_id)
  UNION ALL
  SELECT 'refunds', o.id FROM orders.order o
  WHERE o.refunded_minor <> (SELECT coalesce(sum(a.amount_minor), 0) FROM orders.action a
                             WHERE a.order_id = o.id AND a.status <> 'failed')
     OR o.refunded_minor <> (SELECT coalesce(sum(r.amount_minor), 0) FROM payments.refund r
                             WHERE r.intent_id = o.intent_id AND r.status <> 'refused')
     OR o.refunded_minor < (SELECT coalesce(sum(r.amount_minor), 0) FROM payments.test_refund r
                            WHERE r.intent_id = o.intent_id AND r.status = 'refunded')
     OR o.refunded_minor > o.total_minor
  UNION ALL
  SELECT 'units of actions', l.order_id FROM orders.line l
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(i.quantity) FILTER (WHERE a.kind = 'refund'), 0) AS refunded,
           coalesce(sum(i.quantity) FILTER (WHERE a.kind = 'fulfilment'), 0) AS fulfilled,
           coalesce(sum(i.amount_minor) FILTER (WHERE a.kind = 'refund'), 0) AS amount,
           coalesce(sum(i.tax_minor) FILTER (WHERE a.kind = 'refund'), 0) AS tax
    FROM orders.action a JOIN orders.action_line i ON i.action_id = a.id
    WHERE a.order_id = l.order_id AND a.status <> 'failed' AND i.position = l.position) s
  WHERE l.refunded <> s.refunded OR l.fulfilled <> s.fulfilled OR s.amount > l.total_minor
     OR (l.refunded = l.quantity AND (s.amount <> l.total_minor OR s.tax <> l.tax_minor))
  UNION ALL
  SELECT 'sent without money, or after it was cancelled', o.id FROM orders.order o
  JOIN payments.test_charge c ON c.intent_id = o.intent_id
  WHERE o.fulfilment_status <> 'unfulfilled' AND (c.status <> 'captured' OR o.status NOT IN ('placed', 'completed'))`;

/** At rest nothing is pending, and the provider's books say what our orders say. */
export const unrest = ({ sql }: Pick<Shop, "sql">) => sql`
  SELECT 'pending' AS what, id FROM orders.order WHERE status = 'pending'
  UNION ALL SELECT 'action', id FROM orders.action WHERE status = 'requested'
  UNION ALL SELECT 'cart', id FROM carts.cart WHERE status = 'checking_out'
  UNION ALL SELECT 'held', id FROM inventory.reservation WHERE status = 'held'
  UNION ALL SELECT 'intent', id FROM payments.intent WHERE status IN ('created', 'capturing', 'voiding')
  UNION ALL SELECT 'refund', id FROM payments.refund WHERE status = 'requested'
  UNION ALL
  SELECT 'books', o.id FROM orders.order o JOIN payments.test_charge c ON c.intent_id = o.intent_id
  WHERE c.status <> CASE o.payment_status WHEN 'partially_refunded' THEN 'captured' WHEN 'refunded' THEN 'captured'
                    ELSE o.payment_status END
     OR o.refunded_minor <> (SELECT coalesce(sum(r.amount_minor), 0) FROM payments.test_refund r
                             WHERE r.intent_id = o.intent_id AND r.status = 'refunded')
     OR o.payment_status <> CASE WHEN o.refunded_minor = 0 THEN o.payment_status WHEN o.refunded_minor = o.total_minor THEN 'refunded'
                            ELSE 'partially_refunded' END`;
