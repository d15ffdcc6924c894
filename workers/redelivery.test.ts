/** Messages that the server hands out again while this process still has them. */
import { afterEach, expect, test } from "bun:test";
import { contractOf, done, durableOf, streamOf } from "../bus/index.ts";
import { until } from "../platform/testing/index.ts";
import { defineJob } from "./handler.ts";
import { type TestCluster, testCluster } from "./testing.ts";

let cluster: TestCluster;
afterEach(() => cluster.close());

const sleep = contractOf("drill.sleep.low")!;

test("a job that is delivered again to the process that runs it does not run twice at once", async () => {
  cluster = await testCluster();
  const gate = Promise.withResolvers<void>();
  let starts = 0;
  const job = defineJob(sleep, () => ({
    async run() {
      starts++;
      await gate.promise;
      return done();
    },
  }));
  await cluster.startPool("low", [job]);
  const id = await cluster.enqueue(sleep.kind);
  await until(() => starts === 1, { what: "the start" });
  const { nc, jsm } = cluster.bus.connection;
  const consumer = () => jsm.consumers.info(streamOf("low"), durableOf(sleep.kind));
  // As when a stall of the process has outlasted the ack wait. The first message of an account has sequence 1.
  nc.publish(`$JS.ACK.${streamOf("low")}.${durableOf(sleep.kind)}.1.1.1.${Date.now()}000000.0`, "-NAK");
  // It comes, is given back, and comes again.
  await until(async () => starts > 1 || (await consumer()).delivered.consumer_seq >= 3, {
    what: "the third delivery",
  });
  expect(starts).toBe(1);
  gate.resolve();
  expect(await cluster.ended(id)).toMatchObject({ status: "done", attempt: 1 });
  await until(async () => (await consumer()).num_ack_pending === 0, { what: "the acknowledgement" });
  expect(starts).toBe(1);
});

/** Jobs that a worker held when it was killed, to be delivered again. */
async function leftByKilledWorker(count: number): Promise<string[]> {
  const victim = cluster.spawnWorker("low");
  const ids = await Promise.all(
    Array.from({ length: count }, () => cluster.enqueue(sleep.kind, { ms: 60_000 })),
  );
  const { jsm } = cluster.bus.connection;
  await until(
    async () => (await jsm.consumers.info(streamOf("low"), durableOf(sleep.kind))).num_ack_pending === count,
    { what: "jobs in the worker" },
  );
  victim.kill("SIGKILL");
  await victim.exited;
  return ids;
}

test("of the jobs that a killed worker held, suspects run alone, and the others do not wait for one another", async () => {
  cluster = await testCluster();
  const ids = await leftByKilledWorker(sleep.prefetch);
  const suspects = ids.slice(0, ids.length / 2);
  await cluster.sql`
    INSERT INTO bus.job_try (job_id, attempt, run, worker, started_at, ended_at, outcome, traceparent)
    SELECT id, 1, 1, 'one before', now(), now(), 'killed', '' FROM unnest(${suspects}::uuid[]) id`;
  const inside = new Set<string>();
  const beside = new Set<string>();
  const job = defineJob(sleep, () => ({
    async run({ id }) {
      inside.add(id);
      await Bun.sleep(100);
      if (inside.size > 1) for (const one of inside) beside.add(one);
      inside.delete(id);
      return done();
    },
  }));
  await cluster.startPool("low", [job]);
  const jobs = await cluster.allEnded(ids);
  expect(new Set(jobs.map(({ status, attempt }) => `${status} ${attempt}`))).toEqual(new Set(["done 1"]));
  expect(suspects.filter(id => beside.has(id))).toEqual([]);
  expect(beside.size).toBeGreaterThan(1);
});
