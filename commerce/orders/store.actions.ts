/** SQL of actions that is not in their functions (migrations/003x). */
import { type Origin, type OutboxRow, outboxRows } from "../../bus/index.ts";
import { type Db, retried, type Sql, type Tx } from "../../platform/postgres/index.ts";
import type { ActionStatus } from "./model.ts";

export type ActionKind = "cancel" | "refund" | "fulfilment";

/** With what the kind wants beside it (lines, amounts, tracking). */
export type NewAction = {
  id: string;
  key: string | null;
  fingerprint: string;
  author: string;
  traceparent: string | undefined;
};

export type AskedLine = { variantId: string; requested: number; left: number };

export type Begun =
  | { outcome: "begun"; status: ActionStatus; voiding?: boolean }
  | { outcome: "known"; id: string }
  | { outcome: "key_reused" | "missing" | "busy" | "nothing" }
  | { outcome: "wrong_state"; status: string; paymentStatus?: string; fulfilmentStatus?: string }
  | { outcome: "lines"; lines: AskedLine[] }
  | { outcome: "too_much"; requestedMinor: number; remainingMinor: number };

export async function begin(
  tx: Tx,
  kind: ActionKind,
  { storeId, orderId }: { storeId: string; orderId: string },
  action: NewAction,
  effects: { changed: readonly unknown[]; rows: readonly unknown[] },
): Promise<Begun> {
  const asked = tx.json(action as never);
  const changed = tx.json(effects.changed as never);
  const rows = tx.json(effects.rows as never);
  const call = {
    cancel: () => tx`orders.begin_cancel(${storeId}, ${orderId}, ${asked}, ${changed}, ${rows})`,
    refund: () => tx`orders.begin_refund(${storeId}, ${orderId}, ${asked}, ${changed}, ${rows})`,
    fulfilment: () => tx`orders.begin_fulfilment(${storeId}, ${orderId}, ${asked}, ${rows})`,
  }[kind];
  const [row] = await tx<{ begun: Begun }[]>`SELECT ${call()} AS begun`;
  return row!.begun;
}

/** What is enqueued when an action is done. */
export function rowsOf(origin: Origin, kind: ActionKind, id: string): OutboxRow[] {
  return kind === "fulfilment"
    ? outboxRows(origin, [{ type: "order.shipped", fulfilmentId: id }])
    : outboxRows(origin, [{ type: "order.refunded", refundId: id }]);
}

export type ActionRow = {
  kind: ActionKind;
  status: ActionStatus;
  error: string | null;
  orderId: string;
  intentId: string;
  amountMinor: number;
  traceparent: string | undefined;
};

export async function selectAction(sql: Sql, storeId: string, id: string): Promise<ActionRow | null> {
  const [row] = await sql<ActionRow[]>`
    SELECT a.kind, a.status, a.error, a.order_id AS "orderId", o.intent_id AS "intentId", a.amount_minor AS "amountMinor",
           a.traceparent
    FROM orders.action a JOIN orders.order o ON o.store_id = a.store_id AND o.id = a.order_id
    WHERE a.store_id = ${storeId} AND a.id = ${id}`;
  return row ? { ...row, traceparent: row.traceparent ?? undefined } : null;
}

export async function selectIntentOf(sql: Sql, storeId: string, orderId: string): Promise<string> {
  const [row] = await sql<{ intentId: string }[]>`
    SELECT intent_id AS "intentId" FROM orders.order WHERE store_id = ${storeId} AND id = ${orderId}`;
  return row!.intentId;
}

export async function settleCapture(sql: Db, storeId: string, orderId: string, state: string): Promise<void> {
  await retried(() => sql`SELECT orders.settle_capture(${storeId}, ${orderId}, ${state})`);
}

/** Done, or failed with `error`. */
export async function settle(
  sql: Db,
  storeId: string,
  id: string,
  error: string | null,
  rows: readonly OutboxRow[],
): Promise<void> {
  const status: ActionStatus = error === null ? "done" : "failed";
  await retried(
    () => sql`SELECT orders.settle(${storeId}, ${id}, ${status}, ${error}, ${sql.json(rows as never)})`,
  );
}

export async function takeOpen(
  sql: Sql,
  limit: number,
  afterMs: number,
): Promise<{ storeId: string; id: string }[]> {
  return sql<{ storeId: string; id: string }[]>`
    SELECT store_id AS "storeId", id FROM orders.take_open(${limit}, ${afterMs})`;
}
