/**
 * Puts a message back that its worker can't read yet: a row of the outbox, due in a few seconds, under the same try. The
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

export type Postponed = Omit<Received, "payload">;

export async function postpone(sql: Db, job: Postponed, stored: string): Promise<void> {
  const afterMs = AFTER_MS / 2 + (AFTER_MS / 2) * Math.random();
  await sql`
    INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent, created_at, due_at,
                            resent, is_unique)
    SELECT ${job.id}::uuid, ${job.attempt}::int, ${job.kind}, ${job.version}::int, ${job.priority}, ${job.storeId}, ${job.key},
           ${job.body}::text::jsonb, ${job.traceparent}, to_timestamp(${job.queuedAtMs / 1_000}::float8),
           now() + ${afterMs}::float8 * interval '1 millisecond', ${stored}, ${job.isUnique ?? false}::boolean
    WHERE NOT EXISTS (SELECT FROM bus.job WHERE id = ${job.id}::uuid AND status NOT IN ('queued', 'retrying'))
    ON CONFLICT (id, attempt) DO UPDATE SET resent = excluded.resent, due_at = excluded.due_at`;
}
