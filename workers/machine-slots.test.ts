import { afterEach, expect, test } from "bun:test";
import { availableParallelism, hostname } from "node:os";
import { done, imageConvert } from "../bus/index.ts";
import { newId } from "../platform/ids.ts";
import { until } from "../platform/testing/index.ts";
import { defineJob } from "./handler.ts";
import { openMachineSlots } from "./machine-slots.ts";
import { type TestCluster, testCluster } from "./testing.ts";

let cluster: TestCluster;
afterEach(() => cluster.close());

/** Takes every core of this machine; call the result to give them back. */
async function takeAllCores(): Promise<() => Promise<void>> {
  const slots = openMachineSlots(cluster.databaseUrl, availableParallelism(), hostname());
  for (let core = 0; core < availableParallelism(); core++) await slots.acquire(new AbortController().signal);
  return () => slots.close();
}

/** A pool that serves picture jobs with a time-out of their own. */
async function setup(timeoutMs: number) {
  cluster = await testCluster();
  const started: boolean[] = [];
  const jobs = [
    defineJob({ ...imageConvert, timeoutMs }, () => ({
      async run(_job, { signal }) {
        started.push(signal.aborted);
        return done();
      },
    })),
  ];
  const freeCores = await takeAllCores();
  const pool = await cluster.startPool("low", jobs);
  const id = await cluster.enqueue(imageConvert.kind, { assetId: newId("asset") });
  await until(() => pool.held === 1, { what: "the job in the pool" });
  return { pool, jobs, id, started, freeCores };
}

test("the time that a job waits for a core is no part of its time-out", async () => {
  const { id, started, freeCores } = await setup(150);
  await Bun.sleep(600);
  expect(started).toEqual([]);
  await freeCores();
  expect(await cluster.ended(id)).toMatchObject({ status: "done", attempt: 1 });
  expect(started).toEqual([false]);
});

test("a job that waits for a core when its process leaves is given back without having started", async () => {
  const { pool, jobs, id, started, freeCores } = await setup(30_000);
  await pool.drain(100);
  expect(started).toEqual([]);
  await freeCores();
  await cluster.startPool("low", jobs);
  expect(await cluster.ended(id)).toMatchObject({ status: "done", attempt: 1 });
  expect(started).toEqual([false]);
});
