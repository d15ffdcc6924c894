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

/** What the outbox holds at this moment. */
export async function outboxBacklog(sql: Sql): Promise<Backlog> {
  const [row] = await sql<Backlog[]>`
    SELECT count(*) FILTER (WHERE due_at <= now() AND NOT held) AS due, count(*) FILTER (WHERE held) AS held,
           count(*) FILTER (WHERE due_at > now() AND NOT held) AS delayed,
           (extract(epoch FROM now() - min(due_at) FILTER (WHERE due_at <= now() AND NOT held)) * 1000)::bigint
             AS "oldestMs"
    FROM bus.outbox`;
  return row!;
}
