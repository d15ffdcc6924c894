/** Rate limits, and pauses of kinds and pools, over several processes. */
import { afterEach, expect, test } from "bun:test";
import { type Contract, contractOf, done, type Job, openBus, type Rate, takeStarts } from "../bus/index.ts";
import { silentLog } from "../platform/log.ts";
import { until } from "../platform/testing/index.ts";
import { defineJob } from "./handler.ts";
import { drillJobs } from "./jobs/drill.ts";
import { type TestCluster, testCluster } from "./testing.ts";

let cluster: TestCluster;
afterEach(() => cluster.close());

const noop = contractOf("drill.noop.low")!;
const sleep = contractOf("drill.sleep.low")!;

function recording(contract: Contract, startedMs: number[]) {
  return defineJob(contract, () => ({
    async run(_: Job) {
      startedMs.push(performance.now());
      return done();
    },
  }));
}

const view = async (kind: string) => {
  const { pools } = await cluster.bus.viewPools();
  return pools.flatMap(pool => pool.kinds).find(one => one.kind === kind)!;
};

/** The most starts within any window of this length. */
function mostWithin(startedMs: number[], windowMs: number): number {
  return Math.max(
    ...startedMs.map(from => startedMs.filter(at => at >= from && at < from + windowMs).length),
  );
}

test("a rate limit holds over two pools, burns no try, and is shown", async () => {
  cluster = await testCluster();
  const startedMs: number[] = [];
  await cluster.bus.setKind(noop, { rate: { limit: 20, per: "second", burst: 4 } });
  const ids = await Promise.all(Array.from({ length: 40 }, () => cluster.enqueue(noop.kind)));
  const job = recording(noop, startedMs);
  await Promise.all([cluster.startPool("low", [job]), cluster.startPool("low", [job])]);
  const ended = await cluster.allEnded(ids);
  expect(ended.every(one => one.status === "done" && one.attempt === 1)).toBe(true);
  // Starts are stamped after they were granted: what was granted before the window may still fall into it.
  expect(mostWithin(startedMs, 1_000)).toBeLessThanOrEqual(20 + 4 + 1);
  expect(startedMs.at(-1)! - startedMs[0]!).toBeGreaterThan(1_600);
  expect((await view(noop.kind)).rate).toEqual({ limit: 20, per: "second", burst: 4 });
});

test("a rate limit is edited live: two an hour stop a kind after its burst, taking it away lets the rest go", async () => {
  cluster = await testCluster();
  const startedMs: number[] = [];
  await cluster.startPool("low", [recording(noop, startedMs)]);
  await cluster.bus.setKind(noop, { rate: { limit: 2, per: "hour", burst: 3 } });
  const ids = await Promise.all(Array.from({ length: 30 }, () => cluster.enqueue(noop.kind)));
  await until(() => startedMs.length === 3, { what: "the burst" });
  await until(async () => (await view(noop.kind)).waiting === 27, { what: "27 that wait" });
  expect((await cluster.bus.setKind(noop, { rate: null })).rate).toBeNull();
  await cluster.allEnded(ids);
  expect(startedMs).toHaveLength(30);
});

test("starts that are asked for at once by many are granted as often as the limit says", async () => {
  cluster = await testCluster({ relay: false });
  const ask = (rate: Rate, wanted: number) => takeStarts(cluster.sql, "x.y", rate, wanted);
  const slow: Rate = { limit: 1, per: "hour", burst: 10 };
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(slow, 3)));
  expect(answers.reduce((sum, { granted }) => sum + granted, 0)).toBe(10);
  for (const { granted, waitMs } of answers) {
    if (granted > 0) continue;
    expect(waitMs).toBeGreaterThan(3_500_000);
    expect(waitMs).toBeLessThanOrEqual(3_600_000);
  }
  // A faster limit counts at once, whatever was taken under the slow one.
  const { granted, waitMs } = await ask({ limit: 10, per: "second", burst: 1 }, 1);
  expect(granted === 1 || waitMs <= 100).toBe(true);
});

test("a paused pool starts nothing, other pools go on, and kinds paused by themselves stay so afterwards", async () => {
  cluster = await testCluster();
  const { bus } = cluster;
  await Promise.all([cluster.startPool("low", drillJobs), cluster.startPool("high", drillJobs)]);
  await bus.pausePool("low", true);
  await bus.setKind(sleep, { paused: true });
  const waiting = await cluster.enqueue(noop.kind);
  const held = await cluster.enqueue(sleep.kind, { ms: 0 });
  await cluster.ended(await cluster.enqueue("drill.noop.high"));
  expect(await view(noop.kind)).toMatchObject({ paused: true, pauses: [{ by: "pool" }] });
  expect((await bus.viewPools()).pools.map(({ paused }) => paused)).toEqual([false, false, true]);
  await until(async () => (await view(noop.kind)).waiting === 1, { what: "the waiting job" });

  await bus.pausePool("low", false);
  await cluster.ended(waiting);
  expect(await view(sleep.kind)).toMatchObject({ paused: true, waiting: 1, pauses: [{ by: "operator" }] });
  await bus.setKind(sleep, { paused: false });
  await cluster.ended(held);
});

test("cap, rate and pauses are still there when every process was replaced", async () => {
  cluster = await testCluster();
  const rate: Rate = { limit: 5, per: "minute" };
  await cluster.bus.setKind(noop, { cap: 3, rate, paused: true });
  await cluster.bus.pausePool("low", true);
  const worker = cluster.spawnWorker("low");
  await until(async () => (await cluster.bus.registry.live()).length === 1, { what: "a worker" });
  worker.kill("SIGKILL");
  await worker.exited;
  const other = openBus({ url: cluster.natsUrl, name: "other", log: silentLog, sql: cluster.sql });
  await other.ready;
  expect(other.kinds.state(noop)).toMatchObject({ cap: 3, rate, paused: true });
  expect(other.kinds.pool("low").paused).toBe(true);
  const info = await other.connection.jsm.consumers.info("LOW", "drill_noop_low");
  expect(info.config.max_ack_pending).toBe(3);
  await other.close();
});

test("a sale pauses low and narrows normal on the server, leaves high be, and its end restores what was set meanwhile", async () => {
  cluster = await testCluster();
  const { bus } = cluster;
  await cluster.startPool("low", drillJobs);
  const capOf = async (kind: string) => {
    const { priority } = contractOf(kind)!;
    const durable = kind.replaceAll(".", "_");
    return (await bus.connection.jsm.consumers.info(priority.toUpperCase(), durable)).config.max_ack_pending;
  };
  await bus.setKind(contractOf("drill.sleep.normal")!, { cap: 7 });
  await bus.setSale(true);
  expect(await view("drill.sleep.normal")).toMatchObject({ cap: 7, capNow: 4, paused: false });
  expect(await capOf("drill.sleep.normal")).toBe(4);
  expect(await view("drill.sleep.high")).toMatchObject({ cap: 100, capNow: 100, paused: false });
  const waiting = await cluster.enqueue(noop.kind);
  await until(async () => (await view(noop.kind)).waiting === 1, { what: "the waiting job" });
  expect(await view(noop.kind)).toMatchObject({ paused: true, pauses: [{ by: "sale" }] });

  // Who comes later, and who begins again, find it so.
  const other = openBus({ url: cluster.natsUrl, name: "other", log: silentLog, sql: cluster.sql });
  await other.ready;
  const since = other.kinds.sale.since;
  expect(await other.setSale(true)).toEqual({ on: true, since });
  await other.setKind(contractOf("drill.sleep.normal")!, { cap: 10 });
  expect(await capOf("drill.sleep.normal")).toBe(5);
  await other.setSale(false);
  expect(await capOf("drill.sleep.normal")).toBe(10);
  await cluster.ended(waiting);
  await until(() => !bus.isSale, { what: "the end of the sale" });
  await other.close();
});

test("a job that runs for long is no job that waits; one that nobody took is, with its age", async () => {
  cluster = await testCluster();
  const release = Promise.withResolvers<void>();
  const slow = defineJob(noop, () => ({
    async run() {
      await release.promise;
      return done();
    },
  }));
  const pool = await cluster.startPool("low", [slow]);
  const running = await cluster.enqueue(noop.kind);
  await until(async () => (await view(noop.kind)).running === 1, { what: "the job runs" });
  expect(await view(noop.kind)).toMatchObject({ waiting: 0, oldestMs: null });

  const left = await cluster.enqueue(sleep.kind);
  await until(async () => (await view(sleep.kind)).waiting === 1, { what: "the other waits" });
  expect((await view(sleep.kind)).oldestMs).toBeGreaterThanOrEqual(0);
  release.resolve();
  await cluster.ended(running);
  await pool.drain(1_000);
  await cluster.startPool("low", drillJobs);
  await cluster.ended(left);
  expect(await view(sleep.kind)).toMatchObject({ waiting: 0, oldestMs: null });
});
