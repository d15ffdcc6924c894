/** Two versions of a contract side by side, as during a rolling deploy. */
import { afterEach, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import {
  type Contract,
  contractOf,
  done,
  durableOf,
  encode,
  enqueue,
  filterOf,
  getJob,
  type Job,
  listDead,
  retry,
} from "../bus/index.ts";
import { until } from "../platform/testing/index.ts";
import { defineJob } from "./handler.ts";
import { type TestCluster, testCluster } from "./testing.ts";

let cluster: TestCluster;
afterEach(() => cluster.close());

const older = contractOf("drill.noop.high")!;
const newer: Contract = {
  ...older,
  version: 3,
  schema: Type.Object({ seconds: Type.Number() }, { additionalProperties: false }),
  upcasts: {
    1: ({ ms }: { ms?: number }) => ({ millis: ms ?? 0 }),
    2: ({ millis }: { millis: number }) => ({ seconds: millis / 1_000 }),
  },
};

function worker(contract: Contract, seen: Job[], run = async () => done()) {
  return defineJob(contract, () => ({
    run(job) {
      seen.push(job);
      return run() as never;
    },
  }));
}

const put = async (contract: Contract, payload: object) => {
  const id = await enqueue(cluster.sql, { contract, payload: payload as never, storeId: "store_test" });
  cluster.bus.poke();
  return id;
};

async function inConsumer(): Promise<number> {
  const info = await cluster.bus.connection.jsm.consumers.info("HIGH", "drill_noop_high");
  return info.num_ack_pending + info.num_pending;
}

test("a newer worker lifts the payloads of older versions, step by step, and a retry keeps its version", async () => {
  cluster = await testCluster();
  const seen: Job[] = [];
  let calls = 0;
  const run = async () => (++calls === 1 ? retry({ afterMs: 1 }) : done());
  await cluster.startPool("high", [worker(newer, seen, run as never)]);
  const id = await put(older, { ms: 1_500 });
  expect(await cluster.ended(id)).toMatchObject({
    status: "done",
    attempt: 2,
    version: 1,
    payload: { ms: 1_500 },
  });
  expect(seen.map(job => job.payload)).toEqual([{ seconds: 1.5 }, { seconds: 1.5 }]);
});

test("an older worker puts a newer version's job back, without a try and without its cap, until a newer one comes", async () => {
  cluster = await testCluster();
  const seen: { old: Job[]; new: Job[] } = { old: [], new: [] };
  await cluster.startPool("high", [worker(older, seen.old)]);
  const ids = await Promise.all([1, 2, 3].map(seconds => put(newer, { seconds })));
  const parked = async () => {
    const rows = await cluster.sql`SELECT id FROM bus.outbox WHERE attempt = 1 AND resent IS NOT NULL`;
    return rows.length;
  };
  await until(async () => (await parked()) === 3, { what: "jobs that were put back" });
  await until(async () => (await inConsumer()) === 0, { what: "an empty consumer" });
  expect(await cluster.ended(await put(older, {}))).toMatchObject({ status: "done" });
  expect((await getJob(cluster.sql, ids[0]!))?.tries).toEqual([]);

  await cluster.startPool("high", [worker(newer, seen.new)]);
  await until(
    async () => {
      // Either worker may get them; what the older one gets comes again.
      await cluster.sql`UPDATE bus.outbox SET due_at = now()`;
      const jobs = await Promise.all(ids.map(id => getJob(cluster.sql, id)));
      return jobs.every(job => job?.status === "done" && job.attempt === 1);
    },
    { what: "the newer worker's jobs" },
  );
  expect(seen.old).toHaveLength(1);
  expect(seen.new.map(job => (job.payload as { seconds: number }).seconds).sort()).toEqual([1, 2, 3]);
  expect((await listDead(cluster.sql, { limit: 1 })).items).toEqual([]);
});

test("a message that the server handed to another kind's consumer is put back under its own", async () => {
  cluster = await testCluster();
  const seen: Job[] = [];
  await cluster.startPool("high", [worker(older, seen)]);
  const other = contractOf("drill.sleep.high")!;
  const { jsm } = cluster.bus.connection;
  const { config } = await jsm.consumers.info("HIGH", durableOf(older.kind));
  for (const { kind } of [older, other]) await jsm.consumers.delete("HIGH", durableOf(kind));
  await jsm.consumers.add("HIGH", { ...config, filter_subject: filterOf(other) });

  const id = await put(other, { ms: 0 });
  const parked = await until(
    async () => {
      const [row] = await cluster.sql`
        SELECT kind, priority, attempt, payload FROM bus.outbox WHERE id = ${id} AND resent IS NOT NULL`;
      return row;
    },
    { what: "the job that was put back" },
  );
  expect(parked).toEqual({ kind: other.kind, priority: "high", attempt: 1, payload: { ms: 0 } });
  await until(async () => (await inConsumer()) === 0, { what: "an empty consumer" });
  expect(seen).toEqual([]);
  expect((await listDead(cluster.sql, { limit: 1 })).items).toEqual([]);
});

test("a payload that no upcast leads to, or that an upcast can't read, is a dead letter", async () => {
  cluster = await testCluster();
  const broken: Contract = {
    ...newer,
    upcasts: {
      2: () => {
        throw new Error("not readable");
      },
    },
  };
  await cluster.startPool("high", [worker(broken, [])]);
  const ids = [await put(older, {}), await put({ ...newer, version: 2 }, {})];
  const ended = await cluster.allEnded(ids);
  expect(ended.map(job => job.error)).toEqual(["payload version 1 is not 3", "not readable"]);
  expect(ended.map(job => job.status)).toEqual(["dead", "dead"]);
});

test("a newer version's body that no row can hold is a dead letter, not an endless loop", async () => {
  cluster = await testCluster();
  await cluster.startPool("high", [worker(older, [])]);
  const job = { ...older, id: Bun.randomUUIDv7(), storeId: "store_x", key: "k", attempt: 1, traceparent: "" };
  const message = encode({ ...job, version: 9, payload: { text: "\0" }, queuedAtMs: Date.now() });
  await cluster.bus.connection.js.publish(message.subject, message.data, { headers: message.headers });
  await until(async () => (await listDead(cluster.sql, { limit: 5 })).items.length === 1, {
    what: "the dead letter",
  });
  await until(async () => (await inConsumer()) === 0, { what: "an empty consumer" });
});
