/**
 * Cancels and refunds that were accepted: the order says so, the bank's books say so, once; and the units are back on their
 * shelf, once. What nobody asked for did not happen.
 */
import type { Item } from "../journal.ts";
import { MAIL_DOMAIN } from "../load/index.ts";
import type { Stack } from "../stack.ts";
import type { Finding } from "./finding.ts";

type Row = {
  id: string;
  email: string;
  status: string;
  refundedMinor: number;
  charge: string;
  /** As the bank has it. */
  refunds: number;
  paidBackMinor: number;
  units: number;
  unitsBack: number;
};

export async function judgeAfterSales(stack: Stack, items: readonly Item[]): Promise<Finding[]> {
  const rows = await stack.sql<Row[]>`
    SELECT o.id, o.email, o.status, o.refunded_minor AS "refundedMinor", c.status AS charge,
           (SELECT count(*)::int FROM payments.test_refund r WHERE r.intent_id = o.intent_id AND r.status = 'refunded') AS refunds,
           (SELECT coalesce(sum(r.amount_minor), 0)::int FROM payments.test_refund r
            WHERE r.intent_id = o.intent_id AND r.status = 'refunded') AS "paidBackMinor",
           (SELECT sum(l.quantity)::int FROM orders.line l WHERE l.order_id = o.id) AS units,
           (SELECT coalesce(sum(l.restored), 0)::int FROM inventory.reservation_line l
            WHERE l.reservation_id = o.reservation_id) AS "unitsBack"
    FROM orders.order o JOIN payments.test_charge c ON c.intent_id = o.intent_id
    WHERE o.email LIKE ${`%@${MAIL_DOMAIN}`} AND o.status IN ('placed', 'completed', 'cancelled')`;
  const asked = new Map(items.map(item => [item.wants.orderId, item]));
  return rows.flatMap(row => judge(row, asked.get(row.id)));
}

function judge(row: Row, item: Item | undefined): Finding[] {
  const isCancel = item?.kind === "cancel";
  const refundMinor = Number(item?.wants.refundMinor ?? 0);
  const done = {
    status: isCancel ? "cancelled" : "placed",
    charge: isCancel ? "voided" : item ? "captured" : "authorised",
    refunds: refundMinor > 0 ? 1 : 0,
    paidBackMinor: refundMinor,
    refundedMinor: refundMinor,
    unitsBack: item?.wants.unitsBack ? row.units : 0,
  };
  const untouched = {
    status: "placed",
    charge: "authorised",
    refunds: 0,
    paidBackMinor: 0,
    refundedMinor: 0,
    unitsBack: 0,
  };
  const isDone = matches(row, done);
  // Who never got an answer may find that it happened, or that it did not: not half of it.
  if (isDone || (item && !item.accepted && matches(row, untouched))) return [];
  const isTooMuch =
    row.paidBackMinor > done.paidBackMinor || row.unitsBack > done.unitsBack || row.refunds > done.refunds;
  const what = `${item?.name ?? row.email}: ${JSON.stringify(row)}, wanted ${JSON.stringify(done)}`;
  return [{ kind: isTooMuch ? "twice" : "lost", what, item }];
}

const matches = (row: Row, wanted: Partial<Row>) =>
  Object.entries(wanted).every(([name, value]) => row[name as keyof Row] === value);
