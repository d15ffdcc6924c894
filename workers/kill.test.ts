import { afterEach, expect, test } from "bun:test";
import { durableOf, listDead } from "../bus/index.ts";
import { until } from "../platform/testing/index.ts";
import { type TestCluster, testCluster } from "./testing.ts";

let cluster: TestCluster;
afterEach(() => cluster.close());

async function working(count: number): Promise<void> {
  await until(async () => (await cluster.bus.registry.live()).length === count, {
    what: "workers",
  });
}

function consumerInfo(kind: string) {
  return cluster.bus.connection.jsm.consumers.info("HIGH", durableOf(kind));
}

test("jobs that a killed worker ran or only held are done by another, and none is blamed", async () => {
  cluster = await testCluster();
  const victim = cluster.spawnWorker("high");
  await working(1);
  const ids = await Promise.all(
    Array.from({ length: 10 }, () => cluster.enqueue("drill.sleep.high", { ms: 400 })),
  );
  await until(async () => (await consumerInfo("drill.sleep.high")).num_ack_pending === 10);
  victim.kill("SIGKILL");
  await victim.exited;
  cluster.spawnWorker("high");
  cluster.spawnWorker("high");
  const jobs = await cluster.allEnded(ids);
  expect(new Set(jobs.map(job => `${job.status} ${job.attempt}`))).toEqual(new Set(["done 1"]));
  expect((await listDead(cluster.sql, { limit: 10 })).items).toEqual([]);
});

test("a job that kills its worker once is done by the next; one that kills again and again is a dead letter", async () => {
  cluster = await testCluster();
  cluster.keepWorker("high");
  await working(1);
  const once = await cluster.enqueue("drill.crash.high", { failures: 1 });
  expect(await cluster.ended(once)).toMatchObject({ status: "done" });
  const killer = await cluster.enqueue("drill.crash.high");
  const bystanders = await Promise.all(Array.from({ length: 50 }, () => cluster.enqueue("drill.noop.high")));
  const ended = await cluster.ended(killer);
  expect(ended).toMatchObject({ status: "dead", attempt: 1 });
  // Beside others first, where it was delivered again with more than a few of them; then alone.
  const [kills] = await cluster.sql`
    SELECT count(*) FILTER (WHERE alone) AS alone, count(*) FILTER (WHERE NOT alone) AS beside
    FROM bus.job_try WHERE job_id = ${killer} AND outcome = 'killed'`;
  expect(kills!.alone).toBe(2);
  expect(kills!.beside).toBeLessThanOrEqual(1);
  const jobs = await cluster.allEnded(bystanders);
  expect(new Set(jobs.map(job => job.status))).toEqual(new Set(["done"]));
  await until(async () => (await listDead(cluster.sql, { limit: 10 })).items.length === 1);
  expect((await listDead(cluster.sql, { limit: 10 })).items[0]).toMatchObject({
    jobId: killer,
    reason: "killed_worker",
  });
});

test("2,000 jobs survive kills of their workers: each has one terminal row", async () => {
  cluster = await testCluster();
  cluster.keepWorker("high");
  await working(1);
  const ids = await Promise.all(Array.from({ length: 2_000 }, () => cluster.enqueue("drill.noop.high")));
  const [first] = await cluster.bus.registry.live();
  process.kill(first!.pid, "SIGKILL");
  const jobs = await cluster.allEnded(ids);
  expect(new Set(jobs.map(job => job.status))).toEqual(new Set(["done"]));
  expect((await listDead(cluster.sql, { limit: 10 })).items).toEqual([]);
});
