/**
 * Cancelling a job, wherever it is. It ends as `cancelled`, once, or as whatever it became before the word reached it.
 *
 * | where the job is            | what cancels it                                                                        |
 * | --------------------------- | -------------------------------------------------------------------------------------- |
 * | outbox: due, delayed, retry | its row goes and the ledger's terminal row is written, in one transaction (`bus.cancel`) |
 * | JetStream, not started      | a row in `bus.cancellation`; the worker that would start it settles it as cancelled    |
 * | running                     | the same row; its signal aborts and the try ends as cancelled, whether it listens or not |
 * | running in a batch          | nothing: the batch is one call, and the job ends as it ends                            |
 *
 * Workers hear of a row over core NATS at once, and read all rows at their start, after a reconnect and every few
 * seconds, so a word that was lost arrives. Nothing is asked of Postgres per job: a process holds the few ids in memory.
 *
 * Crash story: before the commit nothing happened. After it, a killed caller only makes workers hear later. A worker that is
 * killed after it aborted a job has settled nothing: the message comes back, takes the slow path, and `bus.begin_run` finds
 * the row. A job that fails meanwhile parks a retry; a keeper's sweep cancels that, and forgets rows of jobs that ended.
 */
import type { Log } from "../platform/log.ts";
import type { Sql } from "../platform/postgres/index.ts";
import { redact } from "../platform/redact.ts";
import type { Connection } from "./connection.ts";
import { signals } from "./topology.ts";

/** `requested`: a worker will see to it. `ended`: too late. */
export type CancelVerdict = "cancelled" | "requested" | "ended" | "unknown";

const REASON_MAX = 500;

export async function cancelJob(
  deps: { sql: Sql; connection: Connection },
  id: string,
  reason: string,
): Promise<CancelVerdict> {
  const clean = redact(reason.slice(0, REASON_MAX));
  const [row] = await deps.sql<{ verdict: CancelVerdict }[]>`
    SELECT verdict FROM bus.cancel(${id}::uuid, ${clean})`;
  if (row!.verdict === "requested") announceCancel(deps.connection, id, clean);
  return row!.verdict;
}

/** Tells the workers of a committed row; without it they find it within seconds. */
export function announceCancel(connection: Connection, id: string, reason: string): void {
  if (connection.connected) connection.nc.publish(signals.cancel, JSON.stringify({ id, reason }));
}

/** For keepers: cancels what was parked after it was asked for, and forgets what has ended. */
export async function sweepCancellations(sql: Sql): Promise<void> {
  await sql`
    SELECT bus.cancel(c.job_id, c.reason) FROM (
      SELECT job_id, reason FROM bus.cancellation c
      WHERE EXISTS (SELECT FROM bus.outbox o WHERE o.id = c.job_id) LIMIT 100
    ) c`;
  await sql`
    DELETE FROM bus.cancellation c USING bus.job j
    WHERE j.id = c.job_id AND j.status NOT IN ('queued', 'retrying')`;
}

const READ_EVERY_MS = 3_000;
const MOST = 10_000;

/** The jobs that are to be cancelled, as a worker knows them. */
export type Cancellations = {
  readonly size: number;
  /** Why the job is to be cancelled; undefined: it is not. */
  reasonFor(id: string): string | undefined;
  stop(): void;
};

/** `onCancel` is called for each id when it becomes known. Resolves when the rows that are there are known. */
export async function followCancellations(deps: {
  connection: Connection;
  sql: Sql;
  log: Log;
  onCancel(id: string, reason: string): void;
}): Promise<Cancellations> {
  const { connection, sql, log, onCancel } = deps;
  let known = new Map<string, string>();
  /** What was heard since the last reading began, which that reading may have missed. */
  let heard = new Map<string, string>();

  async function read(): Promise<void> {
    const earlier = heard;
    heard = new Map();
    try {
      const rows = await sql<{ id: string; reason: string }[]>`
        SELECT job_id AS id, reason FROM bus.cancellation ORDER BY requested_at DESC LIMIT ${MOST}`;
      const before = known;
      known = new Map([...rows.map(({ id, reason }) => [id, reason] as const), ...heard]);
      for (const [id, reason] of known) if (!before.has(id)) onCancel(id, reason);
    } catch (error) {
      heard = new Map([...earlier, ...heard]);
      log.warn({ err: error }, "cancellations not read; trying again");
    }
  }

  const subscription = connection.nc.subscribe(signals.cancel, {
    callback: (error, message) => {
      if (error) return;
      const { id, reason } = message.json<{ id: string; reason: string }>();
      known.set(id, reason);
      heard.set(id, reason);
      onCancel(id, reason);
    },
  });
  const forget = connection.onReconnect(() => void read());
  const timer = setInterval(() => void read(), READ_EVERY_MS);
  await read();
  return {
    get size() {
      return known.size;
    },
    reasonFor: id => known.get(id),
    stop() {
      clearInterval(timer);
      forget();
      subscription.unsubscribe();
    },
  };
}
