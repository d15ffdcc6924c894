/** Until nothing is left to do, and what was done. */
import { outboxBacklog } from "../bus/index.ts";
import type { Db } from "../platform/postgres/index.ts";

const PATIENCE_MS = 180_000;

/** Twice in a row: jobs cause jobs, and what one look finds is a moment old. */
const LOOKS = 2;

/**
 * Waits until no job is due, held or open; tells which kinds are when that takes long.
 * @throws Error after three minutes.
 */
export async function untilIdle(sql: Db, say: (line: string) => void): Promise<void> {
  const startedAt = performance.now();
  let idle = 0;
  for (let toldAt = startedAt; ; await Bun.sleep(300)) {
    const { due, held } = await outboxBacklog(sql);
    const open = await sql<{ kind: string; count: number }[]>`
      SELECT kind, count(*)::int AS count FROM bus.job WHERE status IN ('queued', 'retrying') GROUP BY kind`;
    idle = due + held + open.length === 0 ? idle + 1 : 0;
    if (idle >= LOOKS) return;
    const now = performance.now();
    const left = `outbox ${due} + ${held} held, ${open.map(row => `${row.kind} ${row.count}`).join(", ")}`;
    if (now - startedAt > PATIENCE_MS) throw new Error(`still to do after ${PATIENCE_MS / 1_000} s: ${left}`);
    if (now - toldAt < 5_000) continue;
    toldAt = now;
    say(`waiting: ${left}`);
  }
}

export type Sold = {
  placed: number;
  refused: number;
  lines: number;
  reserved: number;
  charges: number;
  mails: number;
};

/** Orders of the store, and what has to stand beside each of them exactly once. */
export async function countSold(sql: Db, storeId: string): Promise<Sold> {
  const [row] = await sql<Sold[]>`
    SELECT (SELECT count(*)::int FROM orders.order WHERE store_id = ${storeId} AND status = 'placed') AS placed,
           (SELECT count(*)::int FROM orders.order WHERE store_id = ${storeId} AND status = 'refused') AS refused,
           (SELECT count(*)::int FROM orders.line l JOIN orders.order o USING (store_id)
            WHERE l.order_id = o.id AND o.store_id = ${storeId} AND o.status = 'placed') AS lines,
           (SELECT coalesce(sum(quantity), 0)::int FROM inventory.reservation_line WHERE store_id = ${storeId}) AS reserved,
           (SELECT count(*)::int FROM payments.test_charge
            WHERE store_id = ${storeId} AND status IN ('authorised', 'captured')) AS charges,
           (SELECT count(*)::int FROM notifications.mail
            WHERE store_id = ${storeId} AND template = 'order_confirmation' AND status = 'sent') AS mails`;
  return row!;
}

/** Jobs of the kinds by status. */
export async function countJobs(sql: Db, kinds: readonly string[]): Promise<Record<string, number>> {
  const rows = await sql<{ status: string; count: number }[]>`
    SELECT status, count(*)::int AS count FROM bus.job WHERE kind = ANY(${kinds as string[]}) GROUP BY status`;
  return Object.fromEntries(rows.map(row => [row.status, row.count]));
}
