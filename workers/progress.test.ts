/** How far running jobs are, told to whoever asks. */
import { afterEach, expect, test } from "bun:test";
import { contractOf, done, followJob, type Job, type JobEvent, type Progress, retry } from "../bus/index.ts";
import { until } from "../platform/testing/index.ts";
import { defineJob, type JobContext } from "./handler.ts";
import { drillJobs } from "./jobs/drill.ts";
import { type TestCluster, testCluster } from "./testing.ts";

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const sleep = contractOf("drill.sleep.high")!;

async function setup(run: (job: Job, context: JobContext) => Promise<unknown>) {
  cluster = await testCluster();
  await cluster.startPool("high", [defineJob(sleep, () => ({ run: run as never }))]);
  return cluster;
}

test("of ten thousand values few go out, the last one among them, and it can be read afterwards", async () => {
  const { bus, enqueue, ended } = await setup(async (_, { progress }) => {
    for (let done = 1; done <= 10_000; done++) progress({ done, total: 10_000, note: "rows" });
    return done();
  });
  const id = await enqueue(sleep.kind, {}, { delayMs: 200 });
  const seen: Progress[] = [];
  const stop = bus.progress.follow(id, progress => seen.push(progress));
  await bus.connection.nc.flush();
  await ended(id);
  await until(() => seen.at(-1)?.done === 10_000, { what: "the last value" });
  stop();
  expect(seen.length).toBeLessThan(100);
  const last = await until(async () => {
    const progress = await bus.progress.read(id);
    return progress?.done === 10_000 && progress;
  });
  expect(last).toMatchObject({ fraction: 1, note: "rows", attempt: 1, worker: expect.stringContaining(":") });
});

test("who follows a job sees its changes and its progress, and the end", async () => {
  let go = () => {};
  const { bus, sql, enqueue } = await setup(async ({ attempt }, { progress }) => {
    progress(0.25);
    await new Promise<void>(resolve => {
      go = resolve;
    });
    return attempt === 1 ? retry({ afterMs: 1 }) : done();
  });
  const id = await enqueue(sleep.kind);
  const events: JobEvent[] = [];
  const gone = new AbortController();
  const following = (async () => {
    for await (const event of followJob({ sql, progress: bus.progress }, id, gone.signal)) {
      events.push(event);
      if (event.event === "progress") go();
    }
  })();
  await following;
  const statuses = events.flatMap(one => (one.event === "job" ? [one.data.status] : []));
  expect(statuses.at(-1)).toBe("done");
  const attempts = events.flatMap(one => (one.event === "progress" ? [one.data.attempt] : []));
  expect(new Set(attempts)).toEqual(new Set([1, 2]));
});

test("who begins to follow misses no value that is told in that moment", async () => {
  const begin = Promise.withResolvers<void>();
  const seen = Promise.withResolvers<void>();
  const { bus, sql, enqueue } = await setup(async (_, { progress }) => {
    await begin.promise;
    progress(0.25);
    await seen.promise;
    return done();
  });
  const id = await enqueue(sleep.kind);
  const late = {
    ...bus.progress,
    /** An answer from before the value, that arrives after it was told. */
    async read(jobId: string) {
      const before = await bus.progress.read(jobId);
      begin.resolve();
      await until(() => bus.progress.read(jobId), { what: "the value" });
      return before;
    },
  };
  const values: (number | null)[] = [];
  for await (const event of followJob({ sql, progress: late }, id, AbortSignal.timeout(20_000))) {
    if (event.event !== "progress") continue;
    values.push(event.data.fraction);
    seen.resolve();
  }
  seen.resolve();
  expect(values).toEqual([0.25]);
});

test("a job without progress, and one of nobody, is null; and none is told while NATS is away", async () => {
  cluster = await testCluster();
  expect(await cluster.bus.progress.read(Bun.randomUUIDv7())).toBeNull();
  await cluster.startPool("high", drillJobs);
  expect(await cluster.bus.progress.read(Bun.randomUUIDv7())).toBeNull();
});

test("a sleeping drill tells how far it is, from another process", async () => {
  cluster = await testCluster();
  const { bus } = cluster;
  cluster.spawnWorker("high");
  const id = await cluster.enqueue(sleep.kind, { ms: 30_000 });
  const early = await until(() => bus.progress.read(id), { what: "its progress" });
  const later = await until(async () => {
    const progress = await bus.progress.read(id);
    return progress && progress.fraction! > early.fraction! && progress;
  });
  expect(later.fraction!).toBeLessThan(1);
}, 120_000);
