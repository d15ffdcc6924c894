/** Pools of whole clusters: shares of two supervisors, shrinking in the middle of jobs, workers that take too much memory. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Db } from "../../platform/postgres/index.ts";
import { until } from "../../platform/testing/index.ts";
import { startStack, type TestStack } from "./testing.ts";

const LIMIT_MB = 200;
const small = {
  TRADEWIND_API_NODES: "1",
  TRADEWIND_NORMAL_PROCESSES: "0",
  TRADEWIND_LOW_PROCESSES: "0",
  TRADEWIND_HIGH_MEMORY_MB: String(LIMIT_MB),
};

let first: TestStack;
let sql: Db;
beforeAll(async () => {
  first = await startStack(small);
  sql = connect(first.stack().databaseUrl, { max: 2, application: "test" });
}, 90_000);
afterAll(async () => {
  await sql.end();
  await first.stop();
});

type Pools = {
  pools: { target: number; mode: string; processes: { pid: number; draining: boolean; busy: number }[] }[];
};

async function ops<T>(method: string, path: string, body?: unknown): Promise<T> {
  const { api, keys } = first.stack();
  const response = await fetch(`${api}/ops${path}`, {
    method,
    headers: { authorization: `Bearer ${keys!.ops}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

async function scale(processes: number): Promise<void> {
  // A node is ready before it is connected to NATS.
  await until(() => ops("PATCH", "/pools/high", { processes }), { what: "an answer" });
}

async function enqueue(payload: { ms: number; mb?: number }): Promise<string> {
  return (await ops<{ id: string }>("POST", "/jobs", { kind: "drill.sleep.high", payload })).id;
}

/** Pids of the live workers of the high pool in the whole cluster. */
async function working(): Promise<number[]> {
  const { pools } = await ops<Pools>("GET", "/pools");
  return pools[0]!.processes.filter(one => !one.draining).map(one => one.pid);
}

const workersOf = (stack: TestStack) =>
  Object.keys(stack.stack().processes).filter(name => name.startsWith("high-"));

async function untilWorkers(stack: TestStack, count: number, timeoutMs = 30_000): Promise<void> {
  const what = `${count} workers under one supervisor`;
  await until(() => workersOf(stack).length === count, { timeoutMs, what });
}

type Ended = { id: string; status: string; attempt: number };

async function ended(ids: readonly string[], timeoutMs = 60_000): Promise<Ended[]> {
  return until(
    async () => {
      const rows = await sql<Ended[]>`
        SELECT id, status, attempt FROM bus.job
        WHERE id = ANY(${ids as string[]}::uuid[]) AND status IN ('done', 'discarded', 'dead')`;
      return rows.length === ids.length && [...rows];
    },
    { timeoutMs, what: `the end of ${ids.length} jobs` },
  );
}

test("four processes that become one in the middle of jobs finish what they run; each job ends once", async () => {
  await scale(4);
  await until(async () => (await working()).length === 4, { timeoutMs: 30_000, what: "four workers" });
  const ids = await Promise.all(Array.from({ length: 60 }, () => enqueue({ ms: 3_000 })));
  await until(
    async () => {
      const { pools } = await ops<Pools>("GET", "/pools");
      return pools[0]!.processes.reduce((sum, one) => sum + one.busy, 0) >= 30;
    },
    { what: "running jobs" },
  );
  await scale(1);
  const jobs = await ended(ids);
  expect(new Set(jobs.map(job => `${job.status} ${job.attempt}`))).toEqual(new Set(["done 1"]));
  const tries = await sql<{ outcome: string }[]>`
    SELECT DISTINCT outcome FROM bus.job_try WHERE job_id = ANY(${ids}::uuid[])`;
  // What was given back had not started: no try was broken off.
  expect(tries.map(({ outcome }) => outcome).filter(outcome => outcome !== "done")).toEqual([]);
  await untilWorkers(first, 1);
}, 120_000);

test("a worker over its memory limit finishes its job while another takes its place", async () => {
  const [before] = await until(async () => {
    const pids = await working();
    return pids.length === 1 && pids;
  });
  const id = await enqueue({ ms: 16_000, mb: LIMIT_MB });
  const after = await until(
    async () => {
      const pids = await working();
      return pids.length === 1 && pids[0] !== before && pids[0];
    },
    { timeoutMs: 30_000, what: "another worker" },
  );
  const [row] = await sql<{ done: boolean }[]>`SELECT status = 'done' AS done FROM bus.job WHERE id = ${id}`;
  expect(row?.done ?? false).toBe(false);
  expect(await ended([id])).toMatchObject([{ status: "done", attempt: 1 }]);
  await untilWorkers(first, 1);
  expect(await working()).toEqual([after]);
}, 90_000);

test("a job that takes twice its worker's memory is a dead letter after two kills; those beside it are done", async () => {
  const killer = await enqueue({ ms: 30_000, mb: 2.5 * LIMIT_MB });
  const others = await Promise.all(Array.from({ length: 5 }, () => enqueue({ ms: 10 })));
  expect(new Set((await ended(others)).map(job => job.status))).toEqual(new Set(["done"]));
  expect(await ended([killer], 90_000)).toMatchObject([{ status: "dead" }]);
  const dead = await until(async () => {
    const rows = await sql<{ reason: string }[]>`SELECT reason FROM bus.dead WHERE job_id = ${killer}`;
    return rows[0];
  });
  expect(dead.reason).toBe("killed_worker");
}, 120_000);

test("two supervisors share a total; when one leaves, the other takes all of it", async () => {
  await scale(5);
  await untilWorkers(first, 5);
  const stack = first.stack();
  const second = await startStack({
    ...small,
    DATABASE_URL: stack.databaseUrl,
    NATS_URL: stack.natsUrl,
    UPSTASH_REDIS_REST_URL: stack.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: stack.redisToken,
    SMTP_URL: stack.smtpUrl,
    ...(stack.meiliUrl && { MEILI_URL: stack.meiliUrl, MEILI_KEY: stack.meiliKey! }),
  });
  let stopped = false;
  try {
    // One hands over to the other process by process: there are five on the way, too.
    await until(() => [workersOf(first).length, workersOf(second).length].sort().join() === "2,3", {
      timeoutMs: 30_000,
      what: "five workers shared by two supervisors",
    });
    await scale(2);
    await untilWorkers(first, 1);
    await untilWorkers(second, 1);

    const ids = await Promise.all(Array.from({ length: 20 }, () => enqueue({ ms: 1_000 })));
    expect(await second.stop()).toBe(0);
    stopped = true;
    await untilWorkers(first, 2);
    expect(new Set((await ended(ids)).map(job => `${job.status} ${job.attempt}`))).toEqual(
      new Set(["done 1"]),
    );
  } finally {
    if (!stopped) await second.stop();
  }
}, 180_000);
