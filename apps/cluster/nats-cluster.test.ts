/** Three NATS servers, of which one is lost: what the bus keeps there outlives it, and what goes on goes on. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, contractOf, enqueue, openBus, startRelay } from "../../bus/index.ts";
import { silentLog } from "../../platform/log.ts";
import type { Db } from "../../platform/postgres/index.ts";
import { freshDatabase, until } from "../../platform/testing/index.ts";
import { root } from "./install.ts";
import { type NatsCluster, startNatsCluster } from "./servers/nats-cluster.ts";

/**
 * Debian's 2.9.10 on a busy machine sometimes elects nobody for minutes; then servers are begun anew. When none of so many
 * elects anybody nothing can be tried, which says nothing of ours.
 */
const CLUSTERS = 3;
const ELECTION_MS = 30_000;
const WISHES = "KV_TW_POOLS";

setDefaultTimeout(600_000);
const closers: (() => Promise<unknown>)[] = [];
const closeAll = async () => {
  for (const close of closers.splice(0).reverse()) await close();
};
afterEach(closeAll);

/** Runs `trial` until servers elected somebody; it gives false when they did not, so that nothing could be tried. */
async function onThreeServers(trial: (servers: NatsCluster, sql: Db, url: string) => Promise<boolean>) {
  for (let tries = 1; ; tries++) {
    const dir = await mkdtemp(join(tmpdir(), "tradewind-nats-"));
    closers.push(() => rm(dir, { recursive: true, force: true }));
    const { sql, url, drop } = await freshDatabase();
    closers.push(drop);
    const servers = await startNatsCluster({ dir });
    closers.push(servers.stop);
    const tried = await trial(servers, sql, url);
    await closeAll();
    if (tried) return;
    if (tries === CLUSTERS) return console.warn(`not tried: ${CLUSTERS} clusters in a row elected no leader`);
  }
}

function open(url: string, sql: Db, replicas: number): Bus {
  const bus = openBus({ url, name: "test", log: silentLog, sql, replicas });
  closers.push(() => Promise.race([bus.close(), Bun.sleep(2_000)]));
  return bus;
}

/** Whether another server than `lost` came to lead the stream. */
const elects = (servers: NatsCluster, stream: string, lost: string) =>
  until(async () => ![null, lost].includes(await servers.leaderOf(stream)), { timeoutMs: ELECTION_MS }).then(
    () => true,
    () => false,
  );

const isWhole = (servers: NatsCluster) =>
  until(servers.isWhole, { timeoutMs: ELECTION_MS }).then(
    () => true,
    () => false,
  );

test("the bus opens while servers elect their leaders, and what operators set outlives the loss of any one", () =>
  onThreeServers(async (servers, sql) => {
    // Made with one copy by a process that was not told better, as long ago.
    const before = open(servers.url, sql, 1);
    await before.ready;
    await before.targets.setWish("high", { processes: 2 });
    const bus = open(servers.url, sql, 3);
    await bus.ready;
    if (!(await isWhole(servers))) return false;
    // New copies call themselves current before they have taken part in anything.
    await bus.targets.setWish("low", { processes: 1 });
    if (!(await isWhole(servers))) return false;
    const leader = await servers.leaderOf(WISHES);
    if (!leader) return false;
    servers.signal(leader, "SIGKILL");
    if (!(await elects(servers, WISHES, leader))) return false;
    await until(async () => (await bus.targets.setWish("high", { ceiling: 4 })).ceiling === 4, {
      timeoutMs: 40_000,
      what: "a wish that the new leader takes",
    });
    // A copy that lags behind may answer first.
    await until(
      async () => {
        const { processes, ceiling } = (await bus.targets.wishes()).high;
        return processes === 2 && ceiling === 4;
      },
      { timeoutMs: 30_000, what: "both wishes" },
    );
    return true;
  }));

const CAP = 3;
const JOBS = 60;
const sleep = contractOf("drill.sleep.high")!;

/** Started again when it ends, as a supervisor does: servers that are busy electing do not answer whoever starts. */
function startWorker(natsUrl: string, databaseUrl: string): void {
  const start = () =>
    Bun.spawn([process.execPath, join(root, "workers/main.ts")], {
      env: {
        PATH: process.env.PATH ?? "",
        DATABASE_URL: databaseUrl,
        NATS_URL: natsUrl,
        TRADEWIND_NATS_REPLICAS: "3",
        TRADEWIND_LOG_LEVEL: "silent",
        TRADEWIND_POOL: "high",
      },
      stdout: "ignore",
      stderr: "inherit",
      onExit() {
        if (!isOver) child = start();
      },
    });
  let isOver = false;
  let child = start();
  closers.push(async () => {
    isOver = true;
    child.kill("SIGKILL");
    await child.exited;
  });
}

/** The most that ran at one moment: what begins adds one, what ends takes one away. */
function mostAtOnce(jobs: readonly { started: number; finished: number }[]): number {
  const steps = jobs.flatMap(job => [
    { at: job.started, by: 1 },
    { at: job.finished, by: -1 },
  ]);
  let running = 0;
  // Ends before beginnings of the same moment.
  const counts = steps.toSorted((a, b) => a.at - b.at || a.by - b.by).map(({ by }) => (running += by));
  return Math.max(...counts);
}

test("while the leader of their stream is killed, workers of two machines share one cap, and each job is done once", () =>
  onThreeServers(async (servers, sql, databaseUrl) => {
    const bus = open(servers.url, sql, 3);
    await bus.ready;
    if (!(await isWhole(servers))) return false;
    await bus.setKind(sleep, { cap: CAP });
    const relay = startRelay({ connection: bus.connection, sql, log: silentLog });
    closers.push(relay.stop);
    for (let i = 0; i < 2; i++) startWorker(servers.url, databaseUrl);
    const live = () => bus.registry.live().then(beats => beats.length === 2);
    await until(live, { timeoutMs: 2 * ELECTION_MS, what: "two workers" }).catch(async error => {
      if (await servers.leaderOf("KV_TW_WORKERS")) throw error;
    });
    if (!(await live().catch(() => false))) return false;
    const enqueued = Array.from({ length: JOBS }, () =>
      enqueue(sql, { contract: sleep, payload: { ms: 100 }, storeId: "store_test" }),
    );
    const ids = await Promise.all(enqueued);
    const jobs = () => sql<
      { status: string; attempt: number; worker: string; started: number; finished: number }[]
    >`SELECT status, attempt, worker, extract(epoch FROM started_at)::float8 AS started,
             extract(epoch FROM finished_at)::float8 AS finished
      FROM bus.job WHERE id = ANY(${ids}::uuid[]) AND finished_at IS NOT NULL`;
    await until(async () => (await jobs()).length > JOBS / 4, { timeoutMs: 60_000, what: "the first jobs" });
    const leader = await servers.leaderOf("HIGH");
    if (!leader) return false;
    servers.signal(leader, "SIGKILL");
    if (!(await elects(servers, "HIGH", leader))) return false;
    await until(async () => (await jobs()).length === JOBS, {
      timeoutMs: 60_000,
      what: "the end of all jobs",
    });
    const ended = await jobs();
    expect(ended.filter(job => job.status !== "done" || job.attempt !== 1)).toEqual([]);
    expect(new Set(ended.map(job => job.worker)).size).toBe(2);
    expect(mostAtOnce(ended)).toBeLessThanOrEqual(CAP);
    return true;
  }));
