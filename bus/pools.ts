/**
 * The pools as operators see and steer them: targets of processes in the bucket TW_POOLS (cluster totals), live workers
 * from the registry, depth and age from JetStream.
 */
import type { KV } from "nats";
import type { Sql } from "../platform/postgres/index.ts";
import type { Connection } from "./connection.ts";
import { type Contract, type Priority, priorities, type Rate } from "./contracts/contract.ts";
import { contracts } from "./contracts/index.ts";
import type { Kinds, Pause } from "./kinds.ts";
import { burstOf } from "./pace.ts";
import { percentileMs } from "./rates.ts";
import type { Registry, WorkerBeat } from "./registry.ts";
import { buckets, durableOf, filterOf, streamOf } from "./topology.ts";
import { watchBucket } from "./watch.ts";

export type KindView = {
  kind: string;
  /** Jobs that could start now: in JetStream and not running, or due in the outbox. */
  waiting: number;
  running: number;
  /** Jobs that start later: delayed ones and parked retries. */
  delayed: number;
  cap: number;
  /** What is enforced of it: less during a sale. */
  capNow: number;
  rate: (Rate & { burst: number }) | null;
  /** Nothing of it starts, for one of the reasons beside it. */
  paused: boolean;
  pauses: Pause[];
  perSecond: number;
  p95Ms: number | null;
  /** Age of the oldest job in JetStream; null when there is none. */
  oldestMs: number | null;
};

export type PoolView = {
  priority: Priority;
  /** Processes wanted in the cluster; null: nobody has set it, supervisors use their configuration. */
  target: number | null;
  /** All its kinds are, until it is resumed. */
  paused: boolean;
  pausedSince: string | null;
  processes: {
    worker: string;
    pid: number;
    host: string;
    busy: number;
    rssMb: number;
    since: string;
    draining: boolean;
  }[];
  kinds: KindView[];
};

export type PoolTargets = {
  get(priority: Priority): Promise<number | null>;
  set(priority: Priority, processes: number): Promise<void>;
  /** Calls back for each target that is set, now and at each change. Returns the way to stop. */
  watch(callback: (priority: Priority, processes: number) => void): Promise<() => void>;
};

export async function openPoolTargets(connection: Connection): Promise<PoolTargets> {
  const kv: KV = await connection.js.views.kv(buckets.pools, { history: 5 });
  return {
    async get(priority) {
      const entry = await kv.get(priority);
      return entry?.operation === "PUT" ? entry.json<{ processes: number }>().processes : null;
    },
    async set(priority, processes) {
      await kv.put(priority, JSON.stringify({ processes }));
    },
    async watch(callback) {
      return watchBucket(connection, kv, entry => {
        if (entry.operation !== "PUT") return;
        callback(entry.key as Priority, entry.json<{ processes: number }>().processes);
      });
    },
  };
}

type Sources = { connection: Connection; sql: Sql; kinds: Kinds; targets: PoolTargets; registry: Registry };

/** All pools at this moment. A number may be a second old. */
export async function viewPools(sources: Sources): Promise<PoolView[]> {
  const [workers, outbox] = await Promise.all([sources.registry.live(), outboxCounts(sources.sql)]);
  return Promise.all(
    priorities.map(async priority => {
      const mine = workers.filter(worker => worker.priority === priority);
      const kinds = contracts.filter(contract => contract.priority === priority);
      const { paused, since } = sources.kinds.pool(priority);
      return {
        priority,
        paused,
        pausedSince: since,
        target: await sources.targets.get(priority),
        processes: mine.map(({ kinds: _, priority: __, away: ___, ...view }) => view),
        kinds: await Promise.all(kinds.map(contract => viewKind(sources, contract, mine, outbox))),
      };
    }),
  );
}

async function viewKind(
  { connection, kinds }: Sources,
  contract: Contract,
  workers: WorkerBeat[],
  outbox: Map<string, { due: number; later: number }>,
): Promise<KindView> {
  const info = await connection.jsm.consumers.info(streamOf(contract.priority), durableOf(contract.kind));
  const mine = workers.map(worker => worker.kinds[contract.kind]).filter(one => one !== undefined);
  const running = mine.reduce((sum, one) => sum + one.running, 0);
  const inStream = info.num_pending + info.num_ack_pending;
  const waitingRows = outbox.get(contract.kind) ?? { due: 0, later: 0 };
  const { rate, ...state } = kinds.state(contract);
  return {
    kind: contract.kind,
    waiting: Math.max(0, inStream - running) + waitingRows.due,
    running,
    delayed: waitingRows.later,
    ...state,
    rate: rate && { ...rate, burst: burstOf(rate) },
    perSecond: mine.reduce((sum, one) => sum + one.perSecond, 0),
    p95Ms: percentileMs(mine, 0.95),
    oldestMs: inStream > 0 ? await oldestMs(connection, contract) : null,
  };
}

async function oldestMs(connection: Connection, contract: Contract): Promise<number | null> {
  try {
    const query = { seq: 1, next_by_subj: filterOf(contract) } as unknown as { seq: number };
    const message = await connection.jsm.streams.getMessage(streamOf(contract.priority), query);
    return message ? Math.max(0, Date.now() - message.time.getTime()) : null;
  } catch {
    return null;
  }
}

async function outboxCounts(sql: Sql): Promise<Map<string, { due: number; later: number }>> {
  const rows = await sql<{ kind: string; due: number; later: number }[]>`
    SELECT kind, count(*) FILTER (WHERE due_at <= now()) AS due, count(*) FILTER (WHERE due_at > now()) AS later
    FROM bus.outbox GROUP BY kind`;
  return new Map(rows.map(({ kind, due, later }) => [kind, { due, later }]));
}
