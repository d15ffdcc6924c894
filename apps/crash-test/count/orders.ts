/**
 * Orders against what buyers were told. A buyer has one mail address and one key, so an address names one order at most;
 * who was refused or told nothing for good has none, or, when no answer ever came, at most one.
 */
import type { Item } from "../journal.ts";
import { MAIL_DOMAIN } from "../load/index.ts";
import type { Stack } from "../stack.ts";
import type { Finding } from "./finding.ts";

const SOLD = ["placed", "completed", "cancelled"];

type Order = {
  id: string;
  email: string;
  status: string;
  paymentStatus: string;
  units: Record<string, number>;
  /** Cancels and refunds that are done: a mail each. */
  actions: number;
  /** Of one that is pending: what the rows beside it say. */
  stuck: object | null;
};

export async function readOrders(stack: Stack): Promise<Map<string, Order[]>> {
  const rows = await stack.sql<Order[]>`
    SELECT o.id, o.email, o.status, o.payment_status AS "paymentStatus",
           (SELECT jsonb_object_agg(l.variant_id, l.quantity) FROM orders.line l WHERE l.order_id = o.id) AS units,
           (SELECT count(*)::int FROM orders.action a WHERE a.order_id = o.id AND a.status = 'done') AS actions,
           CASE WHEN o.status = 'pending' THEN jsonb_build_object(
             'made', o.created_at, 'now', now(),
             'attempt', (SELECT to_jsonb(a) - '{fingerprint,response_body}'::text[] FROM checkout.attempt a WHERE a.order_id = o.id),
             'attemptOfCart', (SELECT jsonb_agg(a.order_id) FROM checkout.attempt a WHERE a.cart_id = o.cart_id),
             'reservation', (SELECT jsonb_build_array(r.status, r.expires_at) FROM inventory.reservation r WHERE r.id = o.reservation_id),
             'intent', (SELECT i.status FROM payments.intent i WHERE i.id = o.intent_id),
             'charge', (SELECT c.status FROM payments.test_charge c WHERE c.intent_id = o.intent_id),
             'cart', (SELECT jsonb_build_array(c.status, c.order_id) FROM carts.cart c WHERE c.id = o.cart_id)) END AS stuck
    FROM orders.order o WHERE o.email LIKE ${`%@${MAIL_DOMAIN}`}`;
  return Map.groupBy(rows, row => row.email);
}

export function judgeOrders(items: readonly Item[], orders: ReadonlyMap<string, Order[]>): Finding[] {
  const known = new Set(items.map(item => item.name));
  const strangers = [...orders.keys()].filter(email => !known.has(email));
  return [
    ...strangers.map(
      (email): Finding => ({ kind: "left", what: `an order of ${email}, who bought nothing` }),
    ),
    ...items.flatMap(item => judge(item, orders.get(item.name) ?? [])),
  ];
}

function judge(item: Item, all: readonly Order[]): Finding[] {
  const sold = all.filter(({ status }) => SOLD.includes(status));
  const found = (kind: Finding["kind"], what: string): Finding => ({
    kind,
    what: `${item.name}: ${what}`,
    item,
  });
  if (item.notes.some(({ what }) => what.startsWith("DIFFERS")))
    return [found("twice", "two answers of one key")];
  if (sold.length > 1) return [found("twice", `${sold.length} orders of one key`)];
  const pending = all.filter(({ status }) => status === "pending");
  if (pending.length > 0)
    return [found("lost", `its order is still pending: ${JSON.stringify(pending[0]!.stuck)}`)];
  if (!item.accepted) return sold.length > 0 && item.answer ? [found("twice", "refused, and sold")] : [];
  const { id } = item.answer!.body;
  const [order] = sold;
  if (!order) {
    const isRefusedLater = item.answer!.status === 202;
    return isRefusedLater ? [] : [found("lost", `accepted as ${id}, and there is no such order`)];
  }
  // From the queue: what its id leads to is looked at by itself (flash.ts).
  if (order.id !== id && item.answer!.status === 201)
    return [found("lost", `accepted as ${id}, and the order is ${order.id}`)];
  const [wanted, got] = [item.wants.units, order.units].map(units => JSON.stringify(sorted(units as object)));
  return wanted === got ? [] : [found("lost", `wanted ${wanted}, got ${got}`)];
}

const sorted = (units: object) => Object.entries(units).toSorted(([a], [b]) => (a < b ? -1 : 1));
