/** Kinds whose handler takes many jobs a call: each job has an outcome of its own, whatever its neighbours do. */
import { afterEach, expect, test } from "bun:test";
import {
  type Contract,
  contractOf,
  discard,
  done,
  fail,
  type Job,
  type Outcome,
  retry,
} from "../bus/index.ts";
import { defineJob } from "./handler.ts";
import { type TestCluster, testCluster } from "./testing.ts";

let cluster: TestCluster;
afterEach(() => cluster.close());

const plain = contractOf("drill.noop.high")!;
const batched: Contract = { ...plain, concurrency: 1, batch: { max: 200, waitMs: 100 } };

async function run(
  runBatch: (jobs: readonly Job[]) => Promise<Outcome[]>,
  count: number,
  contract: Contract = batched,
) {
  cluster = await testCluster({ relay: true });
  const sizes: number[] = [];
  await cluster.startPool("high", [
    defineJob(contract, () => ({
      runBatch(jobs: readonly Job[]) {
        sizes.push(jobs.length);
        return runBatch(jobs) as never;
      },
    })),
  ]);
  const ids = await Promise.all(
    Array.from({ length: count }, (_, i) => cluster.enqueue(plain.kind, {}, { key: `n:${i}` })),
  );
  return { ended: await cluster.allEnded(ids), sizes };
}

const numberOf = (job: { key: string }) => Number(job.key.slice(2));

test("each job of a batch has its own outcome", async () => {
  const outcomes = (job: Job): Outcome => {
    const turn = numberOf(job) % 4;
    if (turn === 0) return done();
    if (turn === 1) return discard({ reason: "not needed" });
    if (turn === 2) return fail({ error: "never" });
    return job.attempt === 1 ? retry({ afterMs: 1, error: "not yet" }) : done();
  };
  const { ended, sizes } = await run(async jobs => jobs.map(outcomes), 100);
  expect(Math.max(...sizes)).toBeGreaterThan(10);
  for (const job of ended) {
    const turn = numberOf(job) % 4;
    expect(job.status).toBe((["done", "discarded", "dead", "done"] as const)[turn]!);
    expect(job.attempt).toBe(turn === 3 ? 2 : 1);
  }
});

test("batches that are to be apart wait while more comes, and no longer", async () => {
  const apart: Contract = { ...batched, batch: { max: 200, waitMs: 100, apartMs: 3_600_000 } };
  const { ended } = await run(async jobs => jobs.map(() => done()), 60, apart);
  const more: string[] = [];
  for (let i = 0; i < 30; i++) more.push(await cluster.enqueue(plain.kind, {}, { key: `n:${i}` }));
  for (const job of [...ended, ...(await cluster.allEnded(more))]) expect(job.status).toBe("done");
});

test("a job that breaks its batch fails alone; the others are done at their first try", async () => {
  const { ended, sizes } = await run(async jobs => {
    const poison = jobs.find(job => numberOf(job) === 37 && job.attempt === 1);
    if (poison) throw new Error(`poisoned by ${poison.key}`);
    return jobs.map(() => done());
  }, 100);
  expect(sizes).toContain(1);
  for (const job of ended) {
    expect(job.status).toBe("done");
    expect(job.attempt).toBe(numberOf(job) === 37 ? 2 : 1);
  }
});

test("a batch in which all is broken ends after few calls", async () => {
  const { ended, sizes } = await run(async jobs => {
    // First and second tries may share a batch.
    if (jobs.every(job => job.attempt === 1)) throw new Error("nothing works");
    return jobs.map(() => done());
  }, 200);
  expect(ended.every(job => job.status === "done" && job.attempt <= 2)).toBe(true);
  expect(ended.some(job => job.attempt === 2)).toBe(true);
  expect(sizes.length).toBeLessThan(400);
});
