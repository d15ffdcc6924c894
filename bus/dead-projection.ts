/**
 * DEAD → `bus.dead`. Runs in every keeper over one shared consumer; the record's id makes a repeat harmless, and a
 * message is acknowledged after its row is committed.
 */
import type { Log } from "../platform/log.ts";
import type { Db } from "../platform/postgres/index.ts";
import { acks } from "./acks.ts";
import type { Connection } from "./connection.ts";
import type { DeadRecord } from "./dead-letter.ts";
import { type Pulled, startPull } from "./pull.ts";
import { DEAD_PROJECTION, DEAD_STREAM } from "./topology.ts";

const LIMIT = 100;
const RETRY_MS = 1_000;

export function startDeadProjection(deps: { connection: Connection; sql: Db; log: Log }): {
  stop(): Promise<void>;
} {
  const { connection, sql, log } = deps;
  const puller = startPull({
    connection,
    stream: DEAD_STREAM,
    durable: DEAD_PROJECTION,
    limit: LIMIT,
    onMessage: pulled => void project(pulled),
    onRefused: reason => log.warn({ reason }, "dead letters are not delivered"),
  });

  async function project({ msg }: Pulled): Promise<void> {
    try {
      await insert(sql, msg.json<DeadRecord>());
      acks.ack(connection.nc, msg);
    } catch (error) {
      log.warn({ err: error }, "dead letter not projected; trying again");
      acks.nak(connection.nc, msg, RETRY_MS);
    } finally {
      puller.release();
    }
  }
  return { stop: () => puller.stop() };
}

async function insert(sql: Db, record: DeadRecord): Promise<void> {
  await sql`
    INSERT INTO bus.dead (id, job_id, kind, version, store_id, key, payload, raw, reason, error, stack, fingerprint,
                          attempts, traceparent, died_at)
    VALUES (${record.id}, ${record.jobId}, ${record.kind}, ${record.version}, ${record.storeId}, ${record.key},
            ${sql.json(record.payload as never)}, ${record.raw}, ${record.reason}, ${record.error}, ${record.stack},
            ${record.fingerprint}, ${record.attempts}, ${record.traceparent}, ${record.diedAt})
    ON CONFLICT (id) DO NOTHING`;
}
