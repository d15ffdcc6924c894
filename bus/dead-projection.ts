/**
 * DEAD → `bus.dead`. Runs in every keeper over one shared consumer; the record's id makes a repeat harmless, and a
 * message is acknowledged after its row is committed. Each letter that comes to light is a line in the log and counts in
 * `tradewind_dead_letters_total`.
 */
import type { Log } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Db } from "../platform/postgres/index.ts";
import { traceId } from "../platform/trace.ts";
import { acks } from "./acks.ts";
import type { Connection } from "./connection.ts";
import type { DeadRecord } from "./dead-letter.ts";
import { type Pulled, startPull } from "./pull.ts";
import { DEAD_PROJECTION, DEAD_STREAM } from "./topology.ts";

const LIMIT = 100;
const RETRY_MS = 1_000;

export function startDeadProjection(deps: {
  connection: Connection;
  sql: Db;
  log: Log;
  metrics?: Metrics | undefined;
}): { stop(): Promise<void> } {
  const { connection, sql, log } = deps;
  const appeared = deps.metrics?.counter(
    "tradewind_dead_letters_total",
    "Jobs that ended as dead letters, by the keeper that projected them",
    ["kind", "reason"],
  );
  const puller = startPull({
    connection,
    stream: DEAD_STREAM,
    durable: DEAD_PROJECTION,
    limit: LIMIT,
    onMessage: pulled => void project(pulled),
    onRefused: reason => log.warn({ reason }, "dead letters are not delivered"),
  });

  async function project({ msg, stored }: Pulled): Promise<void> {
    try {
      const record = JSON.parse(msg.string()) as DeadRecord;
      const isNew = await insert(sql, record, Number.parseInt(stored, 10));
      acks.ack(connection.nc, msg);
      if (isNew) tell(record);
    } catch (error) {
      log.warn({ err: error }, "dead letter not projected; trying again");
      acks.nak(connection.nc, msg, RETRY_MS);
    } finally {
      puller.release();
    }
  }

  function tell({
    id,
    jobId,
    kind,
    key,
    reason,
    error,
    fingerprint,
    attempts,
    traceparent,
  }: DeadRecord): void {
    appeared?.inc({ kind, reason });
    log.warn(
      { dead: id, jobId, kind, key, reason, error, fingerprint, attempts, traceId: traceId(traceparent) },
      "a job is dead",
    );
  }
  return { stop: () => puller.stop() };
}

/** False: it was there. `seq`: its place in the stream, by which it can be deleted there. */
async function insert(sql: Db, record: DeadRecord, seq: number): Promise<boolean> {
  const rows = await sql`
    INSERT INTO bus.dead (id, job_id, kind, version, store_id, key, payload, raw, reason, error, stack, fingerprint,
                          attempts, traceparent, died_at, stream_seq)
    VALUES (${record.id}, ${record.jobId}, ${record.kind}, ${record.version}, ${record.storeId}, ${record.key},
            ${sql.json(record.payload as never)}, ${record.raw}, ${record.reason}, ${record.error}, ${record.stack},
            ${record.fingerprint}, ${record.attempts}, ${record.traceparent}, ${record.diedAt}, ${seq})
    ON CONFLICT (id) DO NOTHING RETURNING id`;
  return rows.length === 1;
}
