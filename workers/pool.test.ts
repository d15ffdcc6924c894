import { afterEach, expect, test } from "bun:test";
import { headers } from "nats";
import {
  contractOf,
  discardDead,
  done,
  type drills,
  durableOf,
  encode,
  enqueue,
  findJobs,
  getDead,
  getJob,
  groupDead,
  type Job,
  listDead,
  replayDead,
  retry,
  streamOf,
} from "../bus/index.ts";
import { until } from "../platform/testing/index.ts";
import { defineJob, type JobDefinition } from "./handler.ts";
import { drillJobs } from "./jobs/drill.ts";
import { type TestCluster, testCluster } from "./testing.ts";

let cluster: TestCluster;
afterEach(() => cluster.close());

const noop = contractOf("drill.noop.high")!;
const sleep = contractOf("drill.sleep.high")!;

/** A handler of the test's own for a drill's kind. */
function job(
  contract: (typeof drills)[number],
  run: JobDefinition["make"] extends never ? never : (job: Job) => Promise<ReturnType<typeof done>>,
) {
  return defineJob(contract as never, () => ({ run: run as never }));
}

/** Something the test opens when it wants handlers to go on. */
function latch() {
  let open = () => {};
  const opened = new Promise<void>(resolve => {
    open = resolve;
  });
  return { open, opened };
}

async function consumer(kind: string) {
  const contract = contractOf(kind)!;
  return cluster.bus.connection.jsm.consumers.info(streamOf(contract.priority), durableOf(kind));
}

test("a job of a committed transaction runs once and has one terminal row; one of a rolled back never runs", async () => {
  cluster = await testCluster();
  const seen: string[] = [];
  await cluster.startPool("high", [
    job(noop as never, async ({ id }) => {
      seen.push(id);
      return done();
    }),
  ]);
  const rolledBack = await cluster.sql
    .begin(async tx => {
      await enqueue(tx as never, { contract: noop, payload: {}, storeId: "store_test" });
      throw new Error("no");
    })
    .catch(error => (error as Error).message);
  expect(rolledBack).toBe("no");
  const id = await cluster.enqueue("drill.noop.high", {}, { key: "order:ord_1" });
  const ended = await cluster.ended(id);
  expect(seen).toEqual([id]);
  expect(ended).toMatchObject({ status: "done", attempt: 1, key: "order:ord_1" });
  expect(ended.tries).toMatchObject([{ attempt: 1, outcome: "done" }]);
  const found = await findJobs(cluster.sql, { key: "order:ord_1", limit: 10 });
  expect(found.items.map(item => item.id)).toEqual([id]);
  await until(async () => (await consumer("drill.noop.high")).num_ack_pending === 0);
});

test("a failing job is tried again with a growing attempt, and its tries are in the ledger", async () => {
  cluster = await testCluster();
  await cluster.startPool("high", drillJobs);
  const ended = await cluster.ended(await cluster.enqueue("drill.fail.high", { failures: 2 }));
  expect(ended).toMatchObject({ status: "done", attempt: 3 });
  expect(ended.tries.map(({ attempt, outcome }) => ({ attempt, outcome }))).toEqual([
    { attempt: 1, outcome: "retrying" },
    { attempt: 2, outcome: "retrying" },
    { attempt: 3, outcome: "done" },
  ]);
});

test("a retry leaves the consumer while it waits, so that it does not occupy the cap", async () => {
  cluster = await testCluster();
  await cluster.startPool("high", [job(noop as never, async () => retry({ afterMs: 3_600_000 }) as never)]);
  const id = await cluster.enqueue("drill.noop.high");
  await until(async () => (await getJob(cluster.sql, id))?.status === "retrying");
  await until(
    async () => {
      const info = await consumer("drill.noop.high");
      return info.num_ack_pending + info.num_pending === 0;
    },
    { timeoutMs: 5_000 },
  );
  const [row] =
    await cluster.sql`SELECT attempt, due_at > now() + interval '59 minutes' AS parked FROM bus.outbox WHERE attempt > 1`;
  expect(row).toMatchObject({ attempt: 2, parked: true });
});

test("a delayed job waits in the outbox and is listed as delayed", async () => {
  cluster = await testCluster();
  await cluster.startPool("high", drillJobs);
  const id = await cluster.enqueue("drill.noop.high", {}, { delayMs: 3_600_000 });
  expect(await getJob(cluster.sql, id)).toMatchObject({ status: "delayed" });
  await cluster.sql`UPDATE bus.outbox SET due_at = now() WHERE id = ${id}`;
  expect(await cluster.ended(id)).toMatchObject({ status: "done" });
});

test("a job whose tries are used up, or that fails for good, is a dead letter that can be replayed once or discarded", async () => {
  cluster = await testCluster();
  await cluster.startPool("high", drillJobs);
  const worn = await cluster.enqueue("drill.fail.high", { failures: 100 });
  const permanent = await cluster.enqueue("drill.fail.high", { permanent: true });
  const ended = await cluster.allEnded([worn, permanent]);
  expect(ended.map(({ status, attempt }) => ({ status, attempt }))).toEqual([
    { status: "dead", attempt: 5 },
    { status: "dead", attempt: 1 },
  ]);
  await until(async () => (await listDead(cluster.sql, { limit: 10 })).items.length === 2);
  expect((await groupDead(cluster.sql)).items.map(group => group.count)).toEqual([1, 1]);
  const { items } = await listDead(cluster.sql, { limit: 10 });
  const letter = items.find(item => item.jobId === worn)!;
  expect(letter).toMatchObject({ reason: "tries_used_up", attempts: 5, payload: { failures: 100 } });
  expect(letter.stack).toContain("drill");

  const again = { ids: [letter.id], payload: { failures: 0 } };
  const both = await Promise.all([replayDead(cluster.sql, again), replayDead(cluster.sql, again)]);
  const replayed = both.flat();
  expect(replayed).toHaveLength(1);
  expect(await cluster.ended(replayed[0]!.jobId)).toMatchObject({ status: "done" });
  expect(await getDead(cluster.sql, letter.id)).toMatchObject({
    status: "replayed",
    replayedAs: replayed[0]!.jobId,
  });

  const other = items.find(item => item.jobId === permanent)!;
  expect(await discardDead(cluster.sql, other.id, "not needed")).toBe(true);
  expect(await discardDead(cluster.sql, other.id, "twice")).toBe(false);
});

test("a replay whose payload breaks the schema changes nothing", async () => {
  cluster = await testCluster();
  await cluster.startPool("high", drillJobs);
  await cluster.ended(await cluster.enqueue("drill.fail.high", { permanent: true }));
  await until(async () => (await listDead(cluster.sql, { limit: 10 })).items.length === 1);
  const [letter] = (await listDead(cluster.sql, { limit: 1 })).items;
  const replay = replayDead(cluster.sql, { ids: [letter!.id], payload: { failures: -1 } });
  expect(replay).rejects.toMatchObject({ status: 422 });
  await replay.catch(() => {});
  expect(await getDead(cluster.sql, letter!.id)).toMatchObject({ status: "open" });
});

test("a malformed message becomes a dead letter with its bytes, and the jobs behind it run", async () => {
  cluster = await testCluster();
  await cluster.startPool("high", drillJobs);
  const { js } = cluster.bus.connection;
  await js.publish("high.drill.noop.high.store_x", "{broken");
  await js.publish("high.drill.noop.high.store_x", new Uint8Array([0xff, 0x00, 0x80]));
  const unfit = encode({
    id: Bun.randomUUIDv7(),
    kind: noop.kind,
    version: 1,
    priority: "high",
    storeId: "store_x",
    key: "k",
    attempt: 1,
    traceparent: "",
    payload: { ms: "soon" },
    queuedAtMs: Date.now(),
  });
  await js.publish(unfit.subject, unfit.data, { headers: unfit.headers });
  // Numbers that no column holds, and an id that is none.
  const id = Bun.randomUUIDv7();
  for (const envelope of ["not-an-id 1 1 1 k", `${id} 99999999999 1 1 k`, `${id} 1 1e20 1 k`]) {
    const hdrs = headers();
    hdrs.set("Tw-Job", envelope);
    await js.publish("high.drill.noop.high.store_x", "{}", { headers: hdrs });
  }
  const good = await cluster.enqueue("drill.noop.high");
  expect(await cluster.ended(good)).toMatchObject({ status: "done" });
  await until(async () => (await listDead(cluster.sql, { limit: 10 })).items.length === 6);
  const { items } = await listDead(cluster.sql, { limit: 10 });
  expect(new Set(items.map(item => item.reason))).toEqual(new Set(["malformed"]));
  expect(items.map(item => Buffer.from(item.raw ?? "", "base64").toString("latin1"))).toContain("{broken");
  await until(async () => (await consumer("drill.noop.high")).num_ack_pending === 0);
});

test("a message that is published twice runs once", async () => {
  cluster = await testCluster({ relay: false });
  let runs = 0;
  await cluster.startPool("high", [
    job(noop as never, async () => {
      runs++;
      return done();
    }),
  ]);
  const message = encode({
    id: Bun.randomUUIDv7(),
    kind: noop.kind,
    version: 1,
    priority: "high",
    storeId: "store_x",
    key: "k",
    attempt: 1,
    traceparent: "",
    payload: {},
    queuedAtMs: Date.now(),
  });
  const publish = () => cluster.bus.connection.js.publish(message.subject, message.data, message);
  const first = await publish();
  const second = await publish();
  expect(second).toMatchObject({ duplicate: true, seq: first.seq });
  await cluster.ended(message.msgID.split(":")[0]!);
  const probe = await cluster.bus.connection.jsm.streams.info("HIGH");
  expect(probe.state.messages).toBe(0);
  expect(runs).toBe(1);
});

test("the cap holds over two pools, and a live change takes effect", async () => {
  cluster = await testCluster();
  await cluster.bus.setKind(sleep, { cap: 3 });
  let running = 0;
  let most = 0;
  let gate = latch();
  const counted = job(sleep as never, async () => {
    most = Math.max(most, ++running);
    await gate.opened;
    running--;
    return done();
  });
  await cluster.startPool("high", [counted]);
  await cluster.startPool("high", [counted]);
  const ids = await Promise.all(Array.from({ length: 12 }, () => cluster.enqueue("drill.sleep.high")));
  await until(async () => running === 3 && (await consumer("drill.sleep.high")).num_pending === 9);
  expect(most).toBe(3);
  const first = gate;
  gate = latch();
  await cluster.bus.setKind(sleep, { cap: 5 });
  await until(() => running === 5);
  first.open();
  gate.open();
  await cluster.allEnded(ids);
  expect(most).toBeLessThanOrEqual(5);
});

test("a paused kind does not start jobs, and goes on when resumed; others are not touched", async () => {
  cluster = await testCluster();
  const pool = await cluster.startPool("high", drillJobs);
  await cluster.bus.setKind(noop, { paused: true });
  await until(async () => (await consumer("drill.noop.high")).num_waiting === 0);
  const paused = await cluster.enqueue("drill.noop.high");
  expect(await cluster.ended(await cluster.enqueue("drill.sleep.high", { ms: 1 }))).toMatchObject({
    status: "done",
  });
  await until(async () => (await consumer("drill.noop.high")).num_pending === 1);
  expect(await getJob(cluster.sql, paused)).toMatchObject({ status: "queued" });
  expect(pool.held).toBe(0);
  const { pools } = await cluster.bus.viewPools();
  const kind = pools.find(one => one.priority === "high")!.kinds.find(one => one.kind === noop.kind)!;
  expect(kind).toMatchObject({ paused: true, waiting: 1, running: 0, cap: noop.cap });
  expect(kind.oldestMs).toBeGreaterThanOrEqual(0);
  await cluster.bus.setKind(noop, { paused: false });
  expect(await cluster.ended(paused)).toMatchObject({ status: "done" });
});

test("a drain finishes what runs, gives back what waits, and another pool does that once", async () => {
  cluster = await testCluster();
  const starts: string[] = [];
  const gate = latch();
  const narrow = { ...sleep, concurrency: 2, prefetch: 6 };
  const held = job(narrow as never, async ({ id }) => {
    starts.push(id);
    await gate.opened;
    return done();
  });
  const pool = await cluster.startPool("high", [held]);
  const ids = await Promise.all(
    Array.from({ length: 6 }, () => cluster.enqueue("drill.sleep.high", { ms: 1 })),
  );
  await until(() => pool.held === 6 && starts.length === 2);
  const drained = pool.drain(10_000);
  await until(() => pool.held === 2);
  gate.open();
  await drained;
  expect(starts).toHaveLength(2);
  await cluster.startPool("high", drillJobs);
  const jobs = await cluster.allEnded(ids);
  expect(new Set(jobs.map(one => `${one.status} ${one.attempt}`))).toEqual(new Set(["done 1"]));
  expect((await listDead(cluster.sql, { limit: 10 })).items).toEqual([]);
});

test("a drain that runs out of patience gives the running job back without counting the try", async () => {
  cluster = await testCluster();
  const pool = await cluster.startPool("high", drillJobs);
  const id = await cluster.enqueue("drill.sleep.high", { ms: 600_000 });
  await until(() => pool.held === 1);
  await pool.drain(50);
  await cluster.startPool("high", [job(sleep as never, async () => done())]);
  expect(await cluster.ended(id)).toMatchObject({ status: "done", attempt: 1 });
});

test("a try that takes too long is aborted and counts as failed", async () => {
  cluster = await testCluster();
  const hasty = { ...sleep, timeoutMs: 30, backoff: { baseMs: 1, maxMs: 1 } };
  const tries: number[] = [];
  await cluster.startPool("high", [
    job(hasty as never, async ({ attempt }) => {
      tries.push(attempt);
      if (attempt === 1) await new Promise(() => {});
      return done();
    }),
  ]);
  const ended = await cluster.ended(await cluster.enqueue("drill.sleep.high"));
  expect(tries).toEqual([1, 2]);
  expect(ended.tries[0]).toMatchObject({ outcome: "retrying" });
  expect(ended.tries[0]!.error).toContain("30 ms");
});

test("the trace of the cause reaches the handler and the ledger", async () => {
  cluster = await testCluster();
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  let seen = "";
  await cluster.startPool("high", [
    job(noop as never, async one => {
      seen = one.traceparent;
      return done();
    }),
  ]);
  const id = await enqueue(cluster.sql, { contract: noop, payload: {}, storeId: "store_test", traceparent });
  expect(await cluster.ended(id)).toMatchObject({ traceparent });
  expect(seen).toBe(traceparent);
});
