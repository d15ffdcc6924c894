/** For tests: a bus with its own database and NATS account, pools in this process and worker processes to kill. */

import { join } from "node:path";
import type { Subprocess } from "bun";
import {
  type Bus,
  contractOf,
  enqueue,
  getJob,
  type LedgerJob,
  openBus,
  type Priority,
  startDeadProjection,
  startRelay,
  startReleaser,
  windowsOf,
} from "../bus/index.ts";
import { systemClock } from "../platform/clock.ts";
import { loadConfig } from "../platform/config.ts";
import { silentLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import type { Db } from "../platform/postgres/index.ts";
import { type FreshDatabase, freshDatabase, freshNats, until } from "../platform/testing/index.ts";
import { tied } from "../platform/tied.ts";
import type { JobDefinition } from "./handler.ts";
import { type Pool, startPool } from "./pool.ts";

export const terminal = ["done", "discarded", "dead", "cancelled"];

export type TestCluster = {
  readonly sql: Db;
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly bus: Bus;
  startPool(priority: Priority, jobs: readonly JobDefinition[]): Promise<Pool>;
  /** A real `workers/main.ts`, to be killed. */
  spawnWorker(priority: Priority): Subprocess;
  /** Keeps one worker process alive, as the supervisor does, until the cluster is closed. */
  keepWorker(priority: Priority): void;
  enqueue(
    kind: string,
    payload?: object,
    options?: { delayMs?: number; key?: string; storeId?: string },
  ): Promise<string>;
  /** Waits until a job has ended. */
  ended(id: string): Promise<LedgerJob>;
  allEnded(ids: readonly string[]): Promise<LedgerJob[]>;
  close(): Promise<void>;
};

/** `database`: one with a shop in it, say; it is dropped at the end. `env`: settings of the processes. */
export type TestClusterOptions = {
  relay?: boolean;
  database?: Pick<FreshDatabase, "sql" | "url" | "drop">;
  env?: Record<string, string>;
};

export async function testCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const [database, nats] = await Promise.all([options.database ?? freshDatabase(), freshNats()]);
  const { sql } = database;
  const bus = openBus({ url: nats.url, name: "test", log: silentLog, sql });
  await bus.ready;
  const { connection } = bus;
  const parts: { stop(): Promise<void> }[] = [startDeadProjection({ connection, sql, log: silentLog })];
  if (options.relay !== false) {
    const windows = windowsOf(bus);
    const deps = { connection, sql, log: silentLog, windows };
    parts.push(startRelay(deps), startReleaser(deps));
  }
  let closed = false;
  const pools: Pool[] = [];
  const processes: Subprocess[] = [];
  const env = {
    DATABASE_URL: database.url,
    NATS_URL: nats.url,
    TRADEWIND_LOG_LEVEL: "silent",
    ...options.env,
  };
  const config = loadConfig(env);

  const cluster: TestCluster = {
    sql,
    databaseUrl: database.url,
    natsUrl: nats.url,
    bus,
    async startPool(priority, jobs) {
      const deps = { config, sql, log: silentLog, clock: systemClock, metrics: createMetrics("test") };
      const pool = await startPool({ ...deps, bus, priority, jobs });
      pools.push(pool);
      return pool;
    },
    spawnWorker(priority) {
      const child = Bun.spawn(tied([process.execPath, join(import.meta.dir, "main.ts")]), {
        env: { PATH: process.env.PATH ?? "", ...env, TRADEWIND_POOL: priority },
        stdout: "ignore",
        stderr: "inherit",
      });
      processes.push(child);
      return child;
    },
    keepWorker(priority) {
      if (!closed) void cluster.spawnWorker(priority).exited.then(() => cluster.keepWorker(priority));
    },
    async enqueue(kind, payload = {}, more = {}) {
      const contract = contractOf(kind)!;
      const id = await enqueue(sql, { contract, payload, storeId: "store_test", ...more });
      bus.poke();
      return id;
    },
    async ended(id) {
      let job: LedgerJob | null = null;
      await until(
        async () => {
          job = await getJob(sql, id);
          return job !== null && terminal.includes(job.status);
        },
        { timeoutMs: 30_000, what: `the end of job ${id}` },
      );
      return job!;
    },
    async allEnded(ids) {
      await until(
        async () => {
          const [row] = await sql<{ count: number }[]>`
            SELECT count(*) AS count FROM bus.job WHERE id = ANY(${ids as string[]}::uuid[]) AND status = ANY(${terminal})`;
          return row!.count === ids.length;
        },
        { timeoutMs: 30_000, what: `the end of ${ids.length} jobs` },
      );
      return Promise.all(ids.map(async id => (await getJob(sql, id))!));
    },
    async close() {
      closed = true;
      for (const child of processes) child.kill("SIGKILL");
      await Promise.all(processes.map(child => child.exited));
      await Promise.all(pools.map(pool => pool.drain(1_000).catch(() => {})));
      await Promise.all(parts.map(part => part.stop()));
      await bus.close();
      await database.drop();
      await nats.release();
    },
  };
  return cluster;
}
