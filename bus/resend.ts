/**
 * Jobs that were on their way when JetStream was lost: published, so that the outbox has no row of them any more, and not
 * ended. The ledger has them as `queued`, payload included. They become rows of the outbox again, for the relay.
 *
 * That is only right where no message of them is left, or each would run twice. So the ledger is read first and JetStream
 * afterwards: a job that was queued then, and whose message is neither waiting nor with a worker now, has ended meanwhile or
 * is lost; and ends are committed before they are acknowledged (settle.ts), so the second reading of the ledger tells which.
 * Crash story: all is one statement. Repeated before the relay came by, it finds the rows in the outbox; after that, the
 * messages in JetStream.
 *
 * What is not in the ledger is not brought back: checkouts that waited in the stream FLASH, and what operators set in the
 * buckets. Those are for a backup of streams (stream-backup.ts).
 */
import type { Db } from "../platform/postgres/index.ts";
import type { Connection } from "./connection.ts";
import { priorities } from "./contracts/contract.ts";
import { streamOf } from "./topology.ts";

export type Resent = { readonly type: "resent"; readonly jobs: number } | HeldBack;
/** JetStream has messages, which workers will come to. */
export type HeldBack = { readonly type: "held"; readonly messages: number };

/** The topology must stand (Bus.ready). */
export async function resendQueued(sql: Db, { jsm }: Pick<Connection, "jsm">): Promise<Resent> {
  const queued = await sql<{ id: string }[]>`SELECT id FROM bus.job WHERE status = 'queued'`;
  const messages = await openMessages(jsm);
  if (messages > 0) return { type: "held", messages };
  const made = await sql`
    INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent, created_at, resent,
                            is_unique)
    SELECT j.id, j.attempt, j.kind, j.version, j.priority, j.store_id, j.key, j.payload, j.traceparent, j.queued_at,
           ${`after-loss-${Bun.randomUUIDv7()}`}, EXISTS (SELECT FROM bus.unique_job u WHERE u.job_id = j.id)
    FROM bus.job j
    WHERE j.id = ANY(${queued.map(({ id }) => id)}::uuid[]) AND j.status = 'queued' AND j.payload IS NOT NULL
      AND NOT EXISTS (SELECT FROM bus.outbox o WHERE o.id = j.id)
    ON CONFLICT DO NOTHING`;
  return { type: "resent", jobs: made.count };
}

/** Of the queues of jobs: what waits for a worker and what one has. (A nats-server 2.9 that was killed may count more in the streams.) */
async function openMessages(jsm: Connection["jsm"]): Promise<number> {
  let open = 0;
  for (const priority of priorities)
    for await (const { num_pending, num_ack_pending } of jsm.consumers.list(streamOf(priority)))
      open += num_pending + num_ack_pending;
  return open;
}
