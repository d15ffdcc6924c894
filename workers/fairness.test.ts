/** Fairness among stores with real pool processes at work: where another store's first job comes in the order of starts. */
import { afterEach, expect, test } from "bun:test";
import { contractOf, enqueue } from "../bus/index.ts";
import { until } from "../platform/testing/index.ts";
import { type TestCluster, testCluster } from "./testing.ts";

let cluster: TestCluster;
afterEach(() => cluster.close());

const sleep = contractOf("drill.sleep.low")!;

async function flood(storeId: string, count: number, ms: number): Promise<void> {
  await cluster.sql`
    INSERT INTO bus.outbox (id, attempt, kind, version, priority, store_id, key, payload, traceparent)
    SELECT uuidv7(), 1, ${sleep.kind}, 1, 'low', ${storeId}, 'drill:sleep', jsonb_build_object('ms', ${ms}::int), ''
    FROM generate_series(1, ${count})`;
  cluster.bus.poke();
}

/** Jobs of the flood that started between the arrival and the start of this one. */
async function overtakenBy(id: string, storeId: string): Promise<number> {
  const [row] = await cluster.sql<{ count: number }[]>`
    SELECT count(*) AS count FROM bus.job a, bus.job b
    WHERE b.id = ${id} AND a.store_id = ${storeId} AND a.started_at >= b.queued_at AND a.started_at < b.started_at`;
  return row!.count;
}

test("while two pool processes work off 50,000 jobs of one store, another's start within 200 of them, again and again", async () => {
  cluster = await testCluster();
  cluster.spawnWorker("low");
  cluster.spawnWorker("low");
  await flood("store_a", 50_000, 25);
  const done = async () =>
    (await cluster.sql<{ n: number }[]>`SELECT count(*) AS n FROM bus.job WHERE status = 'done'`)[0]!.n;
  await until(async () => (await done()) > 300, { timeoutMs: 30_000, what: "the first jobs" });
  const positions: number[] = [];
  for (let round = 0; round < 5; round++) {
    const job = { contract: sleep, payload: { ms: 1 }, storeId: `store_${round}` };
    const id = await enqueue(cluster.sql, job);
    cluster.bus.poke();
    await cluster.ended(id);
    positions.push(await overtakenBy(id, "store_a"));
  }
  expect(Math.max(...positions)).toBeLessThanOrEqual(200);
}, 120_000);
