/** Cancelling jobs, wherever they are. */
import { afterEach, expect, test } from "bun:test";
import {
  type Contract,
  cancelJob,
  contractOf,
  done,
  getJob,
  type Job,
  retry,
  sweepCancellations,
} from "../bus/index.ts";
import { until } from "../platform/testing/index.ts";
import { defineJob, type JobContext } from "./handler.ts";
import { drillJobs } from "./jobs/drill.ts";
import { type TestCluster, testCluster } from "./testing.ts";

let cluster: TestCluster;
afterEach(() => cluster.close());

const sleep = contractOf("drill.sleep.high")!;
const cancel = (id: string) =>
  cancelJob({ sql: cluster.sql, connection: cluster.bus.connection }, id, "not wanted");

const inStream = async (id: string) =>
  until(async () => (await cluster.sql`SELECT id FROM bus.job WHERE id = ${id}`).length === 1, {
    what: "the job in JetStream",
  });

function sleeping(run: (job: Job, context: JobContext) => Promise<unknown>) {
  return defineJob(sleep, () => ({ run: run as never }));
}

test("a delayed job is gone from the outbox and has its terminal row at once; again is no error", async () => {
  cluster = await testCluster();
  const id = await cluster.enqueue(sleep.kind, {}, { delayMs: 3_600_000, key: "drill:late" });
  expect(await getJob(cluster.sql, id)).toMatchObject({ status: "delayed", runAt: expect.any(Date) });
  expect(await cancel(id)).toBe("cancelled");
  expect(await getJob(cluster.sql, id)).toMatchObject({
    status: "cancelled",
    error: "not wanted",
    key: "drill:late",
    runAt: null,
    tries: [],
  });
  expect(await cluster.sql`SELECT id FROM bus.outbox`).toHaveLength(0);
  expect(await cancel(id)).toBe("cancelled");
});

test("a parked retry is cancelled where it waits, and keeps its tries", async () => {
  cluster = await testCluster();
  await cluster.startPool("high", [sleeping(async () => retry({ afterMs: 3_600_000, error: "not yet" }))]);
  const id = await cluster.enqueue(sleep.kind);
  await until(async () => (await getJob(cluster.sql, id))?.status === "retrying", { what: "the retry" });
  expect(await cancel(id)).toBe("cancelled");
  const job = await getJob(cluster.sql, id);
  expect(job).toMatchObject({ status: "cancelled", attempt: 1, runAt: null });
  expect(job!.tries.map(one => one.outcome)).toEqual(["retrying"]);
});

test("a job that lies in JetStream does not start", async () => {
  cluster = await testCluster();
  const id = await cluster.enqueue(sleep.kind);
  await inStream(id);
  expect(await cancel(id)).toBe("requested");
  expect((await getJob(cluster.sql, id))!.cancelRequestedAt).toBeInstanceOf(Date);
  let ran = false;
  await cluster.startPool("high", [
    sleeping(async () => {
      ran = true;
      return done();
    }),
  ]);
  expect(await cluster.ended(id)).toMatchObject({ status: "cancelled", cancelRequestedAt: null });
  expect(ran).toBe(false);
  await sweepCancellations(cluster.sql);
  expect(await cluster.sql`SELECT job_id FROM bus.cancellation`).toHaveLength(0);
});

test("a running job's signal aborts, and it ends as cancelled though it goes on", async () => {
  cluster = await testCluster();
  let signal: AbortSignal | undefined;
  await cluster.startPool("high", [
    sleeping((_, context) => {
      signal = context.signal;
      return new Promise(() => {});
    }),
  ]);
  const id = await cluster.enqueue(sleep.kind);
  await until(() => signal, { what: "the start" });
  expect(await cancel(id)).toBe("requested");
  expect(await cluster.ended(id)).toMatchObject({ status: "cancelled", error: "not wanted" });
  expect(signal!.aborted).toBe(true);
  const info = () => cluster.bus.connection.jsm.consumers.info("HIGH", "drill_sleep_high");
  await until(async () => (await info()).num_ack_pending === 0, { what: "its ack" });
});

test("a word that was lost arrives: a row alone ends a running job", async () => {
  cluster = await testCluster();
  let started = false;
  await cluster.startPool("high", [
    sleeping(() => {
      started = true;
      return new Promise(() => {});
    }),
  ]);
  const id = await cluster.enqueue(sleep.kind);
  await until(() => started);
  await cluster.sql`INSERT INTO bus.cancellation (job_id, reason) VALUES (${id}, 'by row')`;
  expect(await cluster.ended(id)).toMatchObject({ status: "cancelled", error: "by row" });
});

test("a job that ended is too late to cancel, and one that never was is unknown", async () => {
  cluster = await testCluster();
  await cluster.startPool("high", [sleeping(async () => done())]);
  const id = await cluster.enqueue(sleep.kind);
  await cluster.ended(id);
  expect(await cancel(id)).toBe("ended");
  expect(await cancel(Bun.randomUUIDv7())).toBe("unknown");
  expect(await getJob(cluster.sql, id)).toMatchObject({ status: "done" });
});

test("a job whose worker was killed after it was told is not started by the next", async () => {
  cluster = await testCluster();
  const worker = cluster.spawnWorker("high");
  const id = await cluster.enqueue(sleep.kind, { ms: 600_000 });
  const busy = async () =>
    (await cluster.bus.registry.live()).some(beat => beat.kinds[sleep.kind]?.running === 1);
  await until(busy, { what: "the running job" });
  worker.kill("SIGSTOP");
  expect(await cancel(id)).toBe("requested");
  worker.kill("SIGKILL");
  await worker.exited;
  cluster.spawnWorker("high");
  expect(await cluster.ended(id)).toMatchObject({ status: "cancelled" });
}, 60_000);

test("what fails and is parked before the word reached it, a keeper's sweep cancels", async () => {
  cluster = await testCluster({ relay: true });
  let fail = () => {};
  await cluster.startPool("high", [
    sleeping(
      () =>
        new Promise(resolve => {
          fail = () => resolve(retry({ afterMs: 3_600_000 }));
        }),
    ),
  ]);
  const id = await cluster.enqueue(sleep.kind);
  const parked = async () => {
    fail();
    return (await getJob(cluster.sql, id))?.status === "retrying";
  };
  await until(parked, { what: "the parked retry" });
  await cluster.sql`INSERT INTO bus.cancellation (job_id, reason) VALUES (${id}, 'late')`;
  await Promise.all([sweepCancellations(cluster.sql), sweepCancellations(cluster.sql)]);
  expect(await getJob(cluster.sql, id)).toMatchObject({ status: "cancelled", error: "late" });
});

test("of a batch kind, what waits is cancelled and the rest of the batch is done", async () => {
  cluster = await testCluster();
  const noop = contractOf("drill.noop.high")!;
  const batched: Contract = { ...noop, concurrency: 1, batch: { max: 10, waitMs: 50 } };
  const ids = await Promise.all(Array.from({ length: 10 }, () => cluster.enqueue(noop.kind)));
  await Promise.all(ids.map(inStream));
  const unwanted = new Set([ids[2]!, ids[7]!]);
  for (const id of unwanted) expect(await cancel(id)).toBe("requested");
  await cluster.startPool("high", [
    defineJob(batched, () => ({ runBatch: async jobs => jobs.map(() => done()) })),
  ]);
  for (const job of await cluster.allEnded(ids))
    expect(job.status).toBe(unwanted.has(job.id) ? "cancelled" : "done");
});

test("jobs that are cancelled while they are relayed, pulled and run end exactly once, as one or the other", async () => {
  cluster = await testCluster();
  await cluster.startPool("high", drillJobs);
  await cluster.startPool("high", drillJobs);
  const ids = await Promise.all(
    Array.from({ length: 200 }, (_, i) => cluster.enqueue("drill.sleep.high", { ms: i % 20 })),
  );
  const verdicts = await Promise.all(ids.map(cancel));
  expect(verdicts).not.toContain("unknown");
  const ended = await cluster.allEnded(ids);
  for (const [i, job] of ended.entries()) {
    if (verdicts[i] === "cancelled") expect(job.status).toBe("cancelled");
    else if (verdicts[i] === "ended") expect(job.status).toBe("done");
    else expect(["done", "cancelled"]).toContain(job.status);
  }
  await sweepCancellations(cluster.sql);
  const [left] = await cluster.sql`
    SELECT (SELECT count(*) FROM bus.outbox) AS outbox, (SELECT count(*) FROM bus.cancellation) AS cancellations`;
  expect(left).toMatchObject({ outbox: 0, cancellations: 0 });
});
