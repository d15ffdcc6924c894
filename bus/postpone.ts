/**
 * Puts a message back whose job can't run yet (its worker can't read it, or what it needs is away): a row of the outbox, due in a few seconds, under the same try. The
 * message is acknowledged afterwards, so that it does not occupy the kind's cap meanwhile, as a nak with a delay would.
 *
 * Crash story: killed between the row and the ack, the message is delivered again and finds the row that is there, or,
 * when that was published already, makes another: then the job may run twice, as any job may. A job that has ended in the
 * meantime is not put back. The row is published under a message id of its own: the server has seen the try's.
 * The relay that published the message may not have committed yet: the row that it is about to delete is in our way then,
 * and `DO UPDATE` waits for that where `DO NOTHING` would take it for ours and lose the job.
 */
import type { Db } from "../platform/postgres/index.ts";
import type { Received } from "./envelope.ts";

/** Half of it is random, so that what was put back together does not come back together. */
const AFTER_MS = 5_000;

export type Postponed = {
  readonly job: Omit<Received, "payload">;
  /** Names the stored message (Pulled.stored). */
  readonly stored: string;
  readonly afterMs?: number | undefined;
};

/** All of them in one statement. */
export async function postpone(sql: Db, ...postponed: readonly Postponed[]): Promise<void> {
  const rows = postponed.map(({ job, stored, afterMs }) => ({
    id: job.id,
    attempt: job.attempt,
    kind: job.kind,
    version: job.version,
    priority: job.priority,
    store_id: job.storeId,
    key: job.key,
    body: job.body,
    traceparent: job.traceparent,
    queued: job.queuedAtMs / 1_000,
    after_ms: afterMs ?? AFTER_MS / 2 + (AFTER_MS / 2) * Math.random(),
    resent: stored,
    is_unique: job.isUnique ?? false,
  }));
  await sql`
    INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent, created_at, due_at,
                            resent, is_unique)
    SELECT DISTINCT ON (r.id, r.attempt) r.id, r.attempt, r.kind, r.version, r.priority, r.store_id, r.key, r.body::jsonb,
           r.traceparent, to_timestamp(r.queued), now() + r.after_ms * interval '1 millisecond', r.resent,
           r.is_unique
    FROM jsonb_to_recordset(${sql.json(rows as never)}) AS r(id uuid, attempt int, kind text, version int, priority text,
         store_id text, key text, body text, traceparent text, queued float8, after_ms float8, resent text,
         is_unique boolean)
    WHERE NOT EXISTS (SELECT FROM bus.job j WHERE j.id = r.id AND j.status NOT IN ('queued', 'retrying'))
    ORDER BY r.id, r.attempt
    ON CONFLICT (id, attempt) DO UPDATE SET resent = excluded.resent, due_at = excluded.due_at`;
}
