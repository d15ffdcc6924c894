/** Pools that shrink in the middle of their work. */
import { afterEach, expect, test } from "bun:test";
import { contractOf, done } from "../bus/index.ts";
import { until } from "../platform/testing/index.ts";
import { defineJob } from "./handler.ts";
import { type TestCluster, testCluster } from "./testing.ts";

let cluster: TestCluster;
afterEach(() => cluster.close());

const sleep = contractOf("drill.sleep.high")!;

/** A job that takes a while, and what was started of it, by job. */
function countedJob(ms: number) {
  const starts = new Map<string, number>();
  const job = defineJob(sleep, () => ({
    async run({ id }) {
      starts.set(id, (starts.get(id) ?? 0) + 1);
      await Bun.sleep(ms);
      return done();
    },
  }));
  return { job, starts };
}

test("four pools that become one in the middle of 200 jobs lose none and run none twice", async () => {
  cluster = await testCluster();
  const { job, starts } = countedJob(250);
  const pools = await Promise.all(Array.from({ length: 4 }, () => cluster.startPool("high", [job])));
  const ids = await Promise.all(Array.from({ length: 200 }, () => cluster.enqueue(sleep.kind)));
  await until(() => starts.size >= 40, { what: "the first jobs" });
  await Promise.all(pools.slice(1).map(pool => pool.drain(60_000)));
  expect(starts.size).toBeLessThan(200);
  const ended = await cluster.allEnded(ids);
  expect(new Set(ended.map(one => `${one.status} ${one.attempt}`))).toEqual(new Set(["done 1"]));
  expect([...starts.values()].filter(count => count !== 1)).toEqual([]);
  const [rows] = await cluster.sql<{ jobs: number; ids: number }[]>`
    SELECT count(*) AS jobs, count(DISTINCT id) AS ids FROM bus.job WHERE id = ANY(${ids}::uuid[])`;
  expect(rows).toEqual({ jobs: 200, ids: 200 });
});

test("a pool that takes its time is hurried by a second call, and what it gives back runs elsewhere", async () => {
  cluster = await testCluster();
  const pool = await cluster.startPool("high", [
    defineJob(sleep, () => ({
      run: (_, { signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    })),
  ]);
  const id = await cluster.enqueue(sleep.kind);
  await until(() => pool.held === 1, { what: "the running job" });
  const patient = pool.drain(600_000);
  await until(async () => (await cluster.bus.registry.live())[0]?.draining, { what: "the drain" });
  await pool.drain(0);
  await patient;
  await cluster.startPool("high", [countedJob(0).job]);
  expect(await cluster.ended(id)).toMatchObject({ status: "done", attempt: 1 });
});
