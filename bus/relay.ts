/**
 * The relay: outbox rows that are due → JetStream. It runs in every keeper; `FOR UPDATE SKIP LOCKED` shares the rows.
 *
 * One round, one transaction: lock up to {@link BATCH} due rows → hold those beyond their store's window (window.ts) →
 * publish the others, each with its message id → delete what got its PubAck and write the ledger's queued rows, in one
 * statement. NATS is probed before rows are locked, unless it acknowledged some a moment ago.
 *
 * Crash story: killed before the commit, the rows are still there and are published again under the same message id,
 * which the server drops within its two-minute window (later: the job runs twice, and effects are idempotent).
 * No order is promised: rows of one transaction may overtake another's; handlers read current state.
 */
import type { Log } from "../platform/log.ts";
import { type Db, type Tx, transactionOnce } from "../platform/postgres/index.ts";
import type { Connection } from "./connection.ts";
import type { Priority } from "./contracts/contract.ts";
import { encode } from "./envelope.ts";
import { publisherOf } from "./publisher.ts";
import { signals, streamOf } from "./topology.ts";
import type { Windows } from "./window.ts";

const BATCH = 500;
const POLL_MS = 100;
/**
 * Rounds that follow one another begin this far apart. A round costs the same for one row as for fifty, and so does what
 * takes them afterwards; the first row after a quiet moment goes at once.
 */
const GATHER_MS = 25;
/**
 * From this many rows a round on it is busy (a row may stand for a group of orders), and larger rounds are worth more than a
 * job's tenth of a second.
 */
const BUSY_ROWS = 3;
const BUSY_GATHER_MS = 100;
/** A server that acknowledged something so shortly ago need not be probed. */
const TRUSTED_MS = 250;
const PROBE_TIMEOUT_MS = 1_000;
const PAUSE_AFTER_ERROR_MS = 1_000;

/** A row of the outbox as it is published. */
export type OutboxMessage = {
  id: string;
  attempt: number;
  kind: string;
  version: number;
  priority: Priority;
  storeId: string;
  key: string;
  payload: unknown;
  traceparent: string;
  createdAt: Date;
  resent: string | null;
  isUnique: boolean;
};

export type Relay = {
  /** Looks at the outbox at once instead of at the next poll. */
  poke(): void;
  /** Finishes the round at hand and stops. */
  stop(): Promise<void>;
};

type RelayDeps = {
  connection: Connection;
  sql: Db;
  /** Without it everything passes. */
  windows?: Windows | undefined;
};

export function startRelay(deps: RelayDeps & { log: Log }): Relay {
  const { connection, log } = deps;
  let stopped = false;
  let wake = () => {};
  let poked = false;
  const poke = () => {
    poked = true;
    wake();
  };
  const subscription = connection.nc.subscribe(signals.outbox, { callback: poke });

  async function pause(ms: number): Promise<void> {
    if (poked || stopped) return;
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function run(): Promise<void> {
    while (!stopped) {
      poked = false;
      const startedAt = performance.now();
      try {
        const published = await relayOnce(deps);
        if (published === BATCH) continue;
        const gatherMs = published < BUSY_ROWS ? GATHER_MS : BUSY_GATHER_MS;
        if (published > 0 && !stopped)
          await Bun.sleep(Math.max(0, gatherMs - (performance.now() - startedAt)));
        await pause(POLL_MS);
      } catch (error) {
        log.warn({ err: error }, "outbox not relayed; trying again");
        await Bun.sleep(PAUSE_AFTER_ERROR_MS);
      }
    }
  }
  const running = run();

  return {
    poke,
    async stop() {
      stopped = true;
      wake();
      await running;
      subscription.unsubscribe();
    },
  };
}

/** One round; returns how many rows it published or held. */
export async function relayOnce({ connection, sql, windows }: RelayDeps): Promise<number> {
  if (!isTrusted(connection)) await probe(connection);
  return transactionOnce(sql, async tx => {
    const rows = await lockDue(tx, windows?.holding ?? []);
    const { pass, hold } = (await windows?.admit(rows)) ?? { pass: rows, hold: [] };
    const published = await publishAll(connection, pass).finally(() => {
      for (const row of pass) windows?.landed(row);
    });
    if (hold.length > 0) await holdBack(tx, hold);
    if (published.length > 0) await settlePublished(tx, published);
    if (pass.length > 0 && published.length === 0)
      throw new Error("JetStream acknowledged none of the messages");
    return published.length + hold.length;
  });
}

/** When a connection's server last acknowledged a message. */
const acknowledgedAt = new WeakMap<Connection, number>();

function isTrusted(connection: Connection): boolean {
  return (
    connection.connected && performance.now() - (acknowledgedAt.get(connection) ?? -TRUSTED_MS) < TRUSTED_MS
  );
}

async function probe(connection: Connection): Promise<void> {
  await Promise.race([
    connection.nc.flush(),
    Bun.sleep(PROBE_TIMEOUT_MS).then(() => Promise.reject(new Error("NATS does not answer"))),
  ]);
}

/** `holding`: stores whose rows are the releaser's. */
async function lockDue(tx: Tx, holding: string[]): Promise<OutboxMessage[]> {
  return tx<OutboxMessage[]>`
    SELECT id, attempt, kind, version, priority, store_id AS "storeId", key, payload, traceparent,
           created_at AS "createdAt", resent, is_unique AS "isUnique"
    FROM bus.outbox
    WHERE NOT held AND due_at <= now()
      ${holding.length > 0 ? tx`AND NOT kind || ' ' || store_id = ANY(${holding}::text[])` : tx``}
    ORDER BY due_at, id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`;
}

async function holdBack(tx: Tx, rows: OutboxMessage[]): Promise<void> {
  await tx`
    UPDATE bus.outbox o SET held = true
    FROM unnest(${rows.map(row => row.id)}::uuid[], ${rows.map(row => row.attempt)}::int[]) AS p(id, attempt)
    WHERE o.id = p.id AND o.attempt = p.attempt`;
}

export async function publishAll(connection: Connection, rows: OutboxMessage[]): Promise<OutboxMessage[]> {
  const acked = await Promise.all(rows.map(row => publish(connection, row)));
  if (acked.includes(true)) acknowledgedAt.set(connection, performance.now());
  return rows.filter((_, i) => acked[i]);
}

async function publish(connection: Connection, row: OutboxMessage): Promise<boolean> {
  const { subject, data, headers, msgID } = encode({ ...row, queuedAtMs: row.createdAt.getTime() });
  headers.set("Nats-Expected-Stream", streamOf(row.priority));
  try {
    await publisherOf(connection).publish(subject, { id: msgID, data, headers });
    return true;
  } catch {
    return false;
  }
}

/**
 * A job may have two rows in one round: one that was put back (postpone.ts) beside the next try, when the server had given its
 * message out twice. The ledger tells of the later try.
 */
export async function settlePublished(tx: Tx, rows: OutboxMessage[]): Promise<void> {
  await tx`
    WITH gone AS (
      DELETE FROM bus.outbox o
      USING unnest(${rows.map(row => row.id)}::uuid[], ${rows.map(row => row.attempt)}::int[]) AS p(id, attempt)
      WHERE o.id = p.id AND o.attempt = p.attempt
      RETURNING o.*
    )
    INSERT INTO bus.job AS j (id, kind, version, priority, store_id, key, status, attempt, traceparent, payload, queued_at)
    SELECT DISTINCT ON (id) id, kind, version, priority, store_id, key, 'queued', attempt, traceparent, payload, created_at
    FROM gone ORDER BY id, attempt DESC
    ON CONFLICT (id) DO UPDATE SET status = 'queued', attempt = excluded.attempt
    WHERE j.status = 'retrying' AND j.attempt < excluded.attempt`;
}
