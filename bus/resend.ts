/**
 * Jobs that were published, so that the outbox has no row of them any more, and whose message JetStream has lost: with its disk,
 * by a restore of an older database beside an empty JetStream, or because servers lost what they had confirmed (before 2.12.5
 * some do when a leader freezes). The ledger has them as `queued`, payload included; they become rows of the outbox again.
 *
 * That is only right where no message of them is left, or each would run twice. So the ledger is read first and JetStream
 * afterwards: a job that was queued then, and of whose kind no message waits or is with a worker now, has ended meanwhile or is
 * lost; and ends are committed before they are acknowledged (settle.ts), so the second reading of the ledger tells which.
 * Keepers do it by themselves for what they found so twice in a row: a server that has just come back may tell of the past.
 * Crash story: all is one statement. Repeated before the relay came by, it finds the rows in the outbox; after that, the
 * messages in JetStream. Should it be wrong all the same, a job runs twice, as any job may.
 *
 * What is not in the ledger is not brought back: checkouts that waited in the stream FLASH, and what operators set in the
 * buckets. Those are for a backup of streams (stream-backup.ts).
 */
import type { Log } from "../platform/log.ts";
import type { Db } from "../platform/postgres/index.ts";
import type { Connection } from "./connection.ts";
import { contractOf } from "./contracts/index.ts";
import { durableOf, streamOf } from "./topology.ts";

export type Resent = { readonly type: "resent"; readonly jobs: number } | HeldBack;
/** JetStream has messages, which workers will come to. */
export type HeldBack = { readonly type: "held"; readonly messages: number };

/** Younger ones are on their way. */
const AGE_MS = 30_000;
/** Looked at in one turn, oldest first. */
const BATCH = 5_000;

type Queued = { kind: string; ids: string[] };

/** For operators, who know that JetStream was lost: at once, all or nothing. The topology must stand (Bus.ready). */
export async function resendQueued(sql: Db, { jsm }: Pick<Connection, "jsm">): Promise<Resent> {
  const queued = await queuedJobs(sql, { ageMs: 0, limit: null });
  let messages = 0;
  for (const { kind } of queued) messages += await openMessages(jsm, kind);
  if (messages > 0) return { type: "held", messages };
  return {
    type: "resent",
    jobs: await enqueueAgain(
      sql,
      queued.flatMap(({ ids }) => ids),
    ),
  };
}

/** For keepers: a turn that resends what this and the last turn found lost. Returns how many. */
export function lostJobs(deps: { sql: Db; connection: Connection; log: Log; ageMs?: number }) {
  const { sql, connection, log, ageMs = AGE_MS } = deps;
  let suspects = new Set<string>();
  return async (): Promise<number> => {
    if (!connection.connected) return 0;
    const found = new Set<string>();
    for (const { kind, ids } of await queuedJobs(sql, { ageMs, limit: BATCH })) {
      if ((await openMessages(connection.jsm, kind)) === 0) for (const id of ids) found.add(id);
    }
    const lost = [...found].filter(id => suspects.has(id));
    suspects = found;
    const jobs = lost.length > 0 ? await enqueueAgain(sql, lost) : 0;
    if (jobs > 0) log.warn({ jobs }, "JetStream has lost jobs; they are published again");
    return jobs;
  };
}

async function queuedJobs(
  sql: Db,
  { ageMs, limit }: { ageMs: number; limit: number | null },
): Promise<Queued[]> {
  const rows = await sql<Queued[]>`
    SELECT kind, array_agg(id) AS ids
    FROM (SELECT kind, id FROM bus.job j
          WHERE status = 'queued' AND queued_at <= now() - ${ageMs} * interval '1 millisecond'
            AND NOT EXISTS (SELECT FROM bus.outbox o WHERE o.id = j.id)
          ORDER BY id LIMIT ${limit}) one
    GROUP BY kind`;
  return rows.filter(({ kind }) => contractOf(kind));
}

async function enqueueAgain(sql: Db, ids: readonly string[]): Promise<number> {
  const made = await sql`
    INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent, created_at, resent,
                            is_unique)
    SELECT j.id, j.attempt, j.kind, j.version, j.priority, j.store_id, j.key, j.payload, j.traceparent, j.queued_at,
           ${`after-loss-${Bun.randomUUIDv7()}`}, EXISTS (SELECT FROM bus.unique_job u WHERE u.job_id = j.id)
    FROM bus.job j
    WHERE j.id = ANY(${ids as string[]}::uuid[]) AND j.status = 'queued' AND j.payload IS NOT NULL
      AND NOT EXISTS (SELECT FROM bus.outbox o WHERE o.id = j.id)
    ON CONFLICT DO NOTHING`;
  return made.count;
}

/** What of the kind waits for a worker and what one has. (A nats-server 2.9 that was killed may count more in the stream.) */
async function openMessages(jsm: Connection["jsm"], kind: string): Promise<number> {
  const { priority } = contractOf(kind)!;
  const { num_pending, num_ack_pending } = await jsm.consumers.info(streamOf(priority), durableOf(kind));
  return num_pending + num_ack_pending;
}
