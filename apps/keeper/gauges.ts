/**
 * What the cluster as a whole looks like, as gauges of a keeper: queues, dead letters, outbox, Postgres, this host's
 * memory. They are read when somebody asks for metrics, at most once a second. All keepers tell the same; queries take
 * the highest (`max by`).
 */
import { freemem, hostname, totalmem } from "node:os";
import { type Bus, contractOf, openDeadByKind, outboxBacklog, type Priority } from "../../bus/index.ts";
import type { Log } from "../../platform/log.ts";
import type { Metrics } from "../../platform/metrics.ts";
import { connectionsInUse, type Db } from "../../platform/postgres/index.ts";
import type { Replicas } from "../../platform/replicas/index.ts";

const FRESH_MS = 1_000;
/** Metrics are answered within 300 ms (bus/process-metrics.ts); what is later comes with the next reading. */
const PATIENCE_MS = 200;

export type GaugeDeps = {
  bus: Bus;
  sql: Db;
  log: Log;
  metrics: Metrics;
  /** Oldest age of a job that a pool strives for, in seconds. */
  targetAgeSeconds: Readonly<Record<Priority, number>>;
  /** Above it a worker process of a pool is replaced. */
  memoryLimitMb: Readonly<Record<Priority, number>>;
  /** Null: none is configured. */
  replicas: Pick<Replicas, "states"> | null;
};

/** Tells the values of a gauge, each with its labels. */
type Read = (set: (labels: Record<string, string>, value: number) => void) => void;

export function keepGauges(deps: GaugeDeps): void {
  const { metrics } = deps;
  let facts: Facts | undefined;
  let reading: Promise<void> | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;

  function refreshed(): Promise<unknown> {
    if (Date.now() - readAtMs > FRESH_MS) {
      reading ??= readFacts(deps)
        .then(found => {
          facts = found;
          readAtMs = Date.now();
        })
        .catch(error => deps.log.warn({ err: error }, "gauges not read"))
        .finally(() => {
          reading = undefined;
        });
    }
    return Promise.race([reading, Bun.sleep(PATIENCE_MS)]);
  }

  for (const { name, help, labels, of } of gauges) {
    const gauge = metrics.gauge(name, help, labels);
    // prom-client asks each gauge for itself before a scrape.
    (gauge as unknown as { collect: () => Promise<void> }).collect = async () => {
      await refreshed();
      gauge.reset();
      if (facts) of(facts)((own, value) => gauge.set(own, value));
    };
  }
}

type Facts = Awaited<ReturnType<typeof readFacts>>;

async function readFacts({ bus, sql, replicas, targetAgeSeconds, memoryLimitMb }: GaugeDeps) {
  const [{ pools }, backlog, dead, connections] = await Promise.all([
    bus.viewPools(),
    outboxBacklog(sql),
    openDeadByKind(sql),
    connectionsInUse(sql),
  ]);
  const kinds = pools.flatMap(pool =>
    pool.kinds.map(kind => ({ ...kind, pool: pool.priority, processes: pool.processes.length })),
  );
  const states = replicas?.states() ?? [];
  return { pools, kinds, backlog, dead, connections, states, targetAgeSeconds, memoryLimitMb };
}

type Gauge = { name: string; help: string; labels: string[]; of(facts: Facts): Read };

/** A gauge with one value for each kind. */
function ofKinds(name: string, help: string, value: (kind: Facts["kinds"][number]) => number | null): Gauge {
  const of =
    ({ kinds }: Facts): Read =>
    set => {
      for (const kind of kinds) {
        const found = value(kind);
        if (found !== null) set({ kind: kind.kind, pool: kind.pool }, found);
      }
    };
  return { name, help, labels: ["kind", "pool"], of };
}

const gauges: readonly Gauge[] = [
  ofKinds("tradewind_queue_waiting_jobs", "Jobs that could start now", kind => kind.waiting),
  ofKinds("tradewind_queue_running_jobs", "Jobs that run", kind => kind.running),
  ofKinds("tradewind_queue_delayed_jobs", "Delayed jobs and parked retries", kind => kind.delayed),
  ofKinds(
    "tradewind_queue_oldest_seconds",
    "Age of the oldest job of a kind that is not paused; 0 when none waits",
    kind => (kind.paused ? null : (kind.oldestMs ?? 0) / 1_000),
  ),
  ofKinds(
    "tradewind_queue_away",
    "1 while what a kind needs is away for some process, so that its jobs wait",
    kind => (kind.pauses.some(({ by }) => by === "downstream") ? 1 : 0),
  ),
  ofKinds(
    "tradewind_pool_saturation",
    "Running jobs of a kind over what its pool's processes can run at once",
    kind => {
      const slots = kind.processes * contractOf(kind.kind)!.concurrency;
      return slots === 0 ? null : kind.running / slots;
    },
  ),
  ofKinds("tradewind_queue_cap_jobs", "Cap of running jobs or batches in the cluster", kind => kind.cap),
  ofKinds("tradewind_queue_paused", "1 while a kind is paused", kind => (kind.paused ? 1 : 0)),
  {
    name: "tradewind_pool_processes",
    help: "Live worker processes",
    labels: ["pool"],
    of:
      ({ pools }) =>
      set => {
        for (const pool of pools) set({ pool: pool.priority }, pool.processes.length);
      },
  },
  {
    name: "tradewind_pool_busy_jobs",
    help: "Jobs and batches that a pool runs",
    labels: ["pool"],
    of:
      ({ pools }) =>
      set => {
        for (const pool of pools)
          set(
            { pool: pool.priority },
            pool.processes.reduce((sum, one) => sum + one.busy, 0),
          );
      },
  },
  {
    name: "tradewind_pool_memory_ratio",
    help: "Memory of a pool's largest process over the limit at which it is replaced",
    labels: ["pool"],
    of:
      ({ pools, memoryLimitMb }) =>
      set => {
        for (const { priority, processes } of pools) {
          const most = Math.max(0, ...processes.map(one => one.rssMb));
          set({ pool: priority }, most / memoryLimitMb[priority]);
        }
      },
  },
  {
    name: "tradewind_pool_target_age_seconds",
    help: "Age of the oldest job that a pool strives for",
    labels: ["pool"],
    of:
      ({ targetAgeSeconds }) =>
      set => {
        for (const [pool, seconds] of Object.entries(targetAgeSeconds)) set({ pool }, seconds);
      },
  },
  {
    name: "tradewind_dead_letters_open",
    help: "Dead letters that nobody has replayed or discarded",
    labels: ["kind"],
    of:
      ({ dead }) =>
      set => {
        for (const { kind, count } of dead) set({ kind }, count);
      },
  },
  {
    name: "tradewind_outbox_due_jobs",
    help: "Jobs that are due and not published",
    labels: [],
    of:
      ({ backlog }) =>
      set =>
        set({}, backlog.due),
  },
  {
    name: "tradewind_outbox_held_jobs",
    help: "Jobs that are due and wait because their store has a full window of the kind in the stream",
    labels: [],
    of:
      ({ backlog }) =>
      set =>
        set({}, backlog.held),
  },
  {
    name: "tradewind_outbox_lag_seconds",
    help: "How long the oldest due job has waited for its publication",
    labels: [],
    of:
      ({ backlog }) =>
      set =>
        set({}, (backlog.oldestMs ?? 0) / 1_000),
  },
  {
    name: "tradewind_postgres_connections",
    help: "Connections to the database by the program that holds them and what they do",
    labels: ["application", "state"],
    of:
      ({ connections }) =>
      set => {
        for (const { application, state, count } of connections.by) set({ application, state }, count);
      },
  },
  {
    name: "tradewind_postgres_connections_ratio",
    help: "Connections in use over those that Postgres allows",
    labels: [],
    of:
      ({ connections }) =>
      set =>
        set({}, connections.ratio),
  },
  {
    name: "tradewind_replica_lag_seconds",
    help: "For how long a read replica that is there has not had everything",
    labels: ["replica"],
    of:
      ({ states }) =>
      set => {
        for (const { name, state, behindMs } of states)
          if (state !== "away") set({ replica: name }, behindMs / 1_000);
      },
  },
  {
    name: "tradewind_replica_away",
    help: "1 while a read replica does not answer, or is no replica of this database",
    labels: ["replica"],
    of:
      ({ states }) =>
      set => {
        for (const { name, state } of states) set({ replica: name }, Number(state === "away"));
      },
  },
  {
    name: "tradewind_host_memory_ratio",
    help: "Memory in use over all memory of a keeper's host",
    labels: ["host"],
    of: () => set => set({ host: hostname() }, 1 - freemem() / totalmem()),
  },
];
