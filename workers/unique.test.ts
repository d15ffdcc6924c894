/** Unique jobs: one stands for all that share its key. */
import { afterEach, expect, test } from "bun:test";
import {
  announceCancel,
  announceReplaced,
  contractOf,
  done,
  enqueue,
  enqueueUnique,
  getJob,
  type Job,
  type NewJob,
  outboxRow,
  retry,
  sweepUnique,
} from "../bus/index.ts";
import { transaction } from "../platform/postgres/index.ts";
import { until } from "../platform/testing/index.ts";
import { defineJob } from "./handler.ts";
import { type TestCluster, testCluster } from "./testing.ts";

let cluster: TestCluster;
afterEach(() => cluster.close());

const noop = contractOf("drill.noop.high")!;
const sleep = contractOf("drill.sleep.high")!;
const base = { contract: noop, payload: {}, storeId: "store_test", key: "k" };
const drop = { mode: "drop" } as const;

function work(run: (job: Job) => Promise<unknown>, contract = noop) {
  return defineJob(contract, () => ({ run: run as never }));
}

async function put(more: Partial<NewJob> & { unique: NewJob["unique"] }) {
  const made = await enqueueUnique(cluster.sql, { ...base, ...more } as never);
  announceReplaced(cluster.bus.connection, made);
  cluster.bus.poke();
  return made;
}

async function rows(): Promise<number> {
  const [row] = await cluster.sql<{ n: number }[]>`SELECT count(*) AS n FROM bus.outbox`;
  return row!.n;
}

const inStream = (id: string) =>
  until(async () => (await cluster.sql`SELECT id FROM bus.job WHERE id = ${id}`).length === 1, {
    what: "the job in JetStream",
  });

test("of many that are enqueued at once one is made, and all are told which", async () => {
  cluster = await testCluster({ relay: false });
  const made = await Promise.all(
    Array.from({ length: 40 }, () =>
      transaction(cluster.sql, tx => enqueueUnique(tx, { ...base, unique: drop } as never)),
    ),
  );
  expect(new Set(made.map(one => one.id)).size).toBe(1);
  expect(made.filter(one => one.outcome === "enqueued")).toHaveLength(1);
  expect(await rows()).toBe(1);
});

test("another key, kind or store is another job; the same key without `unique` too", async () => {
  cluster = await testCluster({ relay: false });
  const first = await put({ unique: drop });
  expect((await put({ unique: drop })).id).toBe(first.id);
  for (const other of [{ storeId: "store_other" }, { contract: sleep }, { key: "l" }] as Partial<NewJob>[])
    expect((await put({ ...other, unique: drop })).outcome).toBe("enqueued");
  expect((await put({ unique: { ...drop, key: "m" } })).outcome).toBe("enqueued");
  expect(await enqueue(cluster.sql, base as never)).not.toBe(first.id);
  expect(await rows()).toBe(6);
});

test("what is rolled back holds no key, and a claim that outlived its job neither", async () => {
  cluster = await testCluster({ relay: false });
  await transaction(cluster.sql, async tx => {
    await enqueueUnique(tx, { ...base, unique: drop } as never);
    throw new Error("no");
  }).catch(() => {});
  const { id, outcome } = await put({ unique: drop });
  expect(outcome).toBe("enqueued");
  await cluster.sql`DELETE FROM bus.outbox WHERE id = ${id}`;
  expect((await put({ unique: drop })).outcome).toBe("enqueued");
  expect(await rows()).toBe(1);
});

test("contracts may say that their jobs are unique, also to SQL functions that enqueue rows", async () => {
  cluster = await testCluster({ relay: false });
  const contract = { ...noop, unique: drop };
  const first = await enqueue(cluster.sql, { ...base, contract } as never);
  expect(await enqueue(cluster.sql, { ...base, contract } as never)).toBe(first);
  const both = [outboxRow({ ...base, contract } as never), outboxRow(base as never)];
  await cluster.sql`SELECT bus.enqueue(${cluster.sql.json(both as never)})`;
  expect(await rows()).toBe(2);
  expect(await enqueue(cluster.sql, { ...base, contract, unique: false } as never)).not.toBe(first);
});

test("from its start on the next may be enqueued, though it runs, and a retry does not hold the key", async () => {
  cluster = await testCluster();
  const seen: string[] = [];
  let second: string | undefined;
  await cluster.startPool("high", [
    work(async ({ id, attempt }) => {
      seen.push(id);
      second ??= (await put({ unique: drop })).id;
      return id !== second && attempt === 1 ? retry({ afterMs: 1 }) : done();
    }),
  ]);
  const { id } = await put({ unique: drop });
  await cluster.ended(id);
  await cluster.ended(second!);
  expect(second).not.toBe(id);
  expect(new Set(seen)).toEqual(new Set([id, second!]));
});

test('with `until: "end"` the key is held while it runs and while it waits for a retry, and free after', async () => {
  cluster = await testCluster();
  const unique = { mode: "drop", until: "end" } as const;
  const seen: string[] = [];
  await cluster.startPool("high", [
    work(async ({ attempt }) => {
      seen.push((await put({ unique })).outcome);
      return attempt === 1 ? retry({ afterMs: 300 }) : done();
    }),
  ]);
  const { id } = await put({ unique });
  await until(async () => (await getJob(cluster.sql, id))?.status === "retrying", { what: "the retry" });
  expect(await put({ unique })).toMatchObject({ id, outcome: "dropped" });
  await cluster.ended(id);
  expect(seen).toEqual(["dropped", "dropped"]);
  const next = await put({ unique });
  expect(next.outcome).toBe("enqueued");
  await cluster.ended(next.id);
});

test("no change is lost: whoever finds the key held is seen by the run that follows", async () => {
  cluster = await testCluster();
  await cluster.sql`CREATE TABLE public.fact (key text PRIMARY KEY, n int NOT NULL, seen int NOT NULL DEFAULT 0)`;
  const keys = ["a", "b", "c"];
  await cluster.sql`INSERT INTO public.fact SELECT unnest(${keys}::text[]), 0`;
  const read = work(async ({ key }) => {
    const [row] = await cluster.sql<{ n: number }[]>`SELECT n FROM public.fact WHERE key = ${key}`;
    await cluster.sql`UPDATE public.fact SET seen = greatest(seen, ${row!.n}) WHERE key = ${key}`;
    return done();
  });
  await cluster.startPool("high", [read]);
  await cluster.startPool("high", [read]);
  const outcomes: string[] = [];
  const change = (key: string) =>
    transaction(cluster.sql, async tx => {
      await tx`UPDATE public.fact SET n = n + 1 WHERE key = ${key}`;
      const made = await enqueueUnique(tx, { ...base, key, unique: drop } as never);
      return made.outcome;
    });
  for (let round = 0; round < 60; round++) {
    outcomes.push(...(await Promise.all(keys.flatMap(key => [change(key), change(key)]))));
    cluster.bus.poke();
  }
  const behind = async () => cluster.sql`SELECT key FROM public.fact WHERE seen < n`;
  await until(
    async () => {
      const [open] = await cluster.sql`
        SELECT (SELECT count(*) FROM bus.outbox) + (SELECT count(*) FROM bus.job WHERE status = 'queued') AS n`;
      return open!.n === 0;
    },
    { what: "the end of all jobs" },
  );
  expect(await behind()).toHaveLength(0);
  expect(outcomes).toContain("dropped");
  expect(outcomes).toContain("enqueued");
}, 60_000);

test("a replacing job cancels the one that waits, in the outbox or in JetStream, and only it runs", async () => {
  cluster = await testCluster();
  const unique = { mode: "replace" } as const;
  const late = await put({ unique, delayMs: 3_600_000, payload: { ms: 1 } });
  const next = await put({ unique, payload: { ms: 2 } });
  expect(next).toMatchObject({ outcome: "replaced", was: late.id });
  expect(await getJob(cluster.sql, late.id)).toMatchObject({
    status: "cancelled",
    error: `replaced by ${next.id}`,
  });
  await inStream(next.id);
  const last = await put({ unique, payload: { ms: 3 } });
  expect(last).toMatchObject({ outcome: "replaced", was: next.id });
  const seen: unknown[] = [];
  await cluster.startPool("high", [
    work(async ({ payload }) => {
      seen.push(payload);
      return done();
    }),
  ]);
  await cluster.ended(last.id);
  expect(await cluster.ended(next.id)).toMatchObject({ status: "cancelled" });
  expect(seen).toEqual([{ ms: 3 }]);
});

test("of many that replace one another at once exactly one is left", async () => {
  cluster = await testCluster({ relay: false });
  const unique = { mode: "replace" } as const;
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, i) => put({ unique, delayMs: 60_000, payload: { ms: i } })),
  );
  const left = await cluster.sql<{ id: string }[]>`SELECT id FROM bus.outbox`;
  expect(left).toHaveLength(1);
  const jobs = await Promise.all(made.map(({ id }) => getJob(cluster.sql, id)));
  for (const job of jobs) expect(job!.status).toBe(job!.id === left[0]!.id ? "delayed" : "cancelled");
});

test("a debounced job waits for quiet, takes the last payload, and no longer than its longest wait", async () => {
  cluster = await testCluster({ relay: false });
  const due = async () => {
    const [row] = await cluster.sql<{ inMs: number; payload: { ms: number } }[]>`
      SELECT extract(epoch FROM due_at - created_at)::float8 * 1000 AS "inMs", payload FROM bus.outbox`;
    return row!;
  };
  const calm = { mode: "debounce", maxWaitMs: 90_000 } as const;
  const { id } = await put({ unique: calm, delayMs: 60_000, payload: { ms: 1 } });
  for (let i = 2; i < 5; i++)
    expect(await put({ unique: calm, delayMs: 60_000, payload: { ms: i } })).toMatchObject({
      id,
      outcome: "debounced",
    });
  expect(await due()).toMatchObject({ payload: { ms: 4 } });
  expect((await due()).inMs).toBeGreaterThan(60_000);
  await cluster.sql`UPDATE bus.outbox SET created_at = now() - interval '89 seconds'`;
  await put({ unique: calm, delayMs: 60_000, payload: { ms: 5 } });
  expect((await due()).inMs).toBe(90_000);
  expect(await rows()).toBe(1);
});

test("a debounced job that is on its way is not made twice", async () => {
  cluster = await testCluster();
  const unique = { mode: "debounce" } as const;
  const { id } = await put({ unique });
  await inStream(id);
  expect(await put({ unique, delayMs: 10 })).toMatchObject({ id, outcome: "dropped" });
});

test("a worker that is killed at work leaves no key behind", async () => {
  cluster = await testCluster();
  const unique = { mode: "drop", until: "end" } as const;
  const worker = cluster.spawnWorker("high");
  const { id } = await put({ unique, contract: sleep, payload: { ms: 1_500 } });
  const busy = async () =>
    (await cluster.bus.registry.live()).some(beat => beat.kinds[sleep.kind]?.running === 1);
  await until(busy, { what: "the running job" });
  worker.kill("SIGKILL");
  await worker.exited;
  expect(await put({ unique, contract: sleep })).toMatchObject({ id, outcome: "dropped" });
  cluster.spawnWorker("high");
  expect(await cluster.ended(id)).toMatchObject({ status: "done" });
  expect((await put({ unique, contract: sleep, payload: { ms: 1 } })).outcome).toBe("enqueued");
}, 60_000);

test("keepers remove claims whose job is over, and no others, while keys change hands", async () => {
  cluster = await testCluster({ relay: false });
  const keys = Array.from({ length: 30 }, (_, i) => `k${i}`);
  const made = await Promise.all(keys.map(key => put({ key, unique: drop })));
  const over = made.slice(0, 15).map(one => one.id);
  await cluster.sql`DELETE FROM bus.outbox WHERE id = ANY(${over}::uuid[])`;
  await cluster.sql`UPDATE bus.unique_job SET claimed_at = now() - interval '1 hour'`;
  const [, , again] = await Promise.all([
    sweepUnique(cluster.sql),
    sweepUnique(cluster.sql),
    Promise.all(keys.slice(0, 5).map(key => put({ key, unique: drop }))),
  ]);
  await sweepUnique(cluster.sql);
  for (const one of again) expect(one.outcome).toBe("enqueued");
  const claims = await cluster.sql<{ key: string }[]>`SELECT key FROM bus.unique_job ORDER BY key`;
  const kept = [...keys.slice(0, 5), ...keys.slice(15)].sort();
  expect(claims.map(one => one.key)).toEqual(kept);
});

test("a unique job that is cancelled while it gives up its claim does not start", async () => {
  cluster = await testCluster();
  let ran = false;
  const { id } = await put({ unique: drop });
  await inStream(id);
  const change = Promise.withResolvers<void>();
  const holding = Promise.withResolvers<void>();
  const held = transaction(cluster.sql, async tx => {
    await tx`SELECT FROM bus.unique_job WHERE job_id = ${id} FOR KEY SHARE`;
    holding.resolve();
    await change.promise;
  });
  await holding.promise;
  const job = work(async () => {
    ran = true;
    return done();
  });
  await cluster.startPool("high", [job]);
  const waits = () => cluster.sql`
    SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%DELETE FROM bus.unique_job%'`;
  await until(async () => (await waits()).length > 0, { what: "the worker that waits for the claim" });
  // The word alone, as when its row is committed just after the worker has looked for it.
  announceCancel(cluster.bus.connection, id, "not wanted");
  await cluster.bus.connection.nc.flush();
  change.resolve();
  await held;
  expect(await cluster.ended(id)).toMatchObject({ status: "cancelled", error: "not wanted" });
  expect(ran).toBe(false);
});

test("a job that has ended holds nobody up, though the relay that published it has not committed yet", async () => {
  cluster = await testCluster({ relay: false });
  const unique = { mode: "drop", until: "end" } as const;
  const { id } = await put({ unique });
  await cluster.sql`
    INSERT INTO bus.job (id, kind, version, priority, store_id, key, status, attempt, traceparent, payload, queued_at, finished_at)
    SELECT id, kind, version, priority, store_id, key, 'done', attempt, traceparent, payload, created_at, now()
    FROM bus.outbox WHERE id = ${id}`;
  expect(await put({ unique })).toMatchObject({ outcome: "enqueued" });
});
