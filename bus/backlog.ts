/**
 * What the outbox holds, for people and gauges. Counting reads every row (a third of a second for a million), and consoles
 * and collectors ask all the time: so one count serves all who ask in this process, for ten times as long as it took.
 */
import type { Sql } from "../platform/postgres/index.ts";

export type Backlog = {
  /** Jobs that no keeper has published yet, though they are due and their store's window has room. */
  due: number;
  /** Jobs of stores that have a full window of their kind in the stream already (window.ts). */
  held: number;
  /** Delayed jobs and parked retries. */
  delayed: number;
  /** How long the oldest due job has waited; null when none does. */
  oldestMs: number | null;
};

/** Of one kind, held or not. */
export type Unpublished = { due: number; later: number; oldestMs: number | null };

type KindCount = Backlog & { kind: string; heldLater: number; oldestOfAllMs: number | null };
type Count = { rows: Promise<KindCount[]>; goodUntilMs: number };

const REST = 10;
const counts = new WeakMap<Sql, Count>();

/** What the outbox holds. */
export async function outboxBacklog(sql: Sql): Promise<Backlog> {
  const rows = await counted(sql);
  const sum = (pick: (row: KindCount) => number) => rows.reduce((total, row) => total + pick(row), 0);
  const oldest = rows.flatMap(row => row.oldestMs ?? []);
  return {
    due: sum(row => row.due),
    held: sum(row => row.held),
    delayed: sum(row => row.delayed),
    oldestMs: oldest.length > 0 ? Math.max(...oldest) : null,
  };
}

/** Jobs of each kind that has any. */
export async function outboxByKind(sql: Sql): Promise<Map<string, Unpublished>> {
  const rows = await counted(sql);
  return new Map(
    rows.map(({ kind, due, held, heldLater, delayed, oldestOfAllMs }) => [
      kind,
      { due: due + held - heldLater, later: delayed + heldLater, oldestMs: oldestOfAllMs },
    ]),
  );
}

function counted(sql: Sql): Promise<KindCount[]> {
  const known = counts.get(sql);
  if (known && performance.now() < known.goodUntilMs) return known.rows;
  const count: Count = { rows: countRows(sql), goodUntilMs: Number.POSITIVE_INFINITY };
  counts.set(sql, count);
  const beganMs = performance.now();
  count.rows.then(
    () => {
      const endMs = performance.now();
      count.goodUntilMs = endMs + REST * (endMs - beganMs);
    },
    () => {
      count.goodUntilMs = 0;
    },
  );
  return count.rows;
}

function countRows(sql: Sql): Promise<KindCount[]> {
  return sql<KindCount[]>`
    SELECT kind, count(*) FILTER (WHERE due_at <= now() AND NOT held) AS due, count(*) FILTER (WHERE held) AS held,
           count(*) FILTER (WHERE due_at > now() AND NOT held) AS delayed,
           count(*) FILTER (WHERE due_at > now() AND held) AS "heldLater",
           (extract(epoch FROM now() - min(due_at) FILTER (WHERE due_at <= now() AND NOT held)) * 1000)::bigint
             AS "oldestMs",
           (extract(epoch FROM now() - min(due_at) FILTER (WHERE due_at <= now())) * 1000)::bigint AS "oldestOfAllMs"
    FROM bus.outbox GROUP BY kind`.then(rows => [...rows]);
}
