/** Dead letters with real keepers and workers, which are killed in between: replays, canaries, alerts. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Subprocess } from "bun";
import {
  type Bus,
  type Canary,
  continueCanary,
  contractOf,
  discardMany,
  enqueue,
  getCanary,
  groupDead,
  listDead,
  openBus,
  replayDead,
  startCanary,
  stopCanary,
} from "../../bus/index.ts";
import { silentLog } from "../../platform/log.ts";
import { connect, type Db } from "../../platform/postgres/index.ts";
import { freshDatabase, freshNats, until } from "../../platform/testing/index.ts";

setDefaultTimeout(60_000);
const root = join(import.meta.dir, "../..");

let sql: Db;
let bus: Bus;
let env: Record<string, string>;
const closers: (() => Promise<unknown>)[] = [];
const running = new Set<Subprocess>();

beforeEach(async () => {
  const [database, nats] = await Promise.all([freshDatabase(), freshNats()]);
  sql = database.sql;
  bus = openBus({ url: nats.url, name: "test", log: silentLog, sql });
  await bus.ready;
  env = { DATABASE_URL: database.url, NATS_URL: nats.url, TRADEWIND_LOG_LEVEL: "silent" };
  closers.push(
    () => nats.release(),
    database.drop,
    () => bus.close(),
  );
});
afterEach(async () => {
  for (const child of running) await kill(child);
  for (const close of closers.splice(0).reverse()) await close();
});

function spawn(program: string, more: Record<string, string> = {}): Subprocess {
  const child = Bun.spawn([process.execPath, join(root, program)], {
    env: { PATH: process.env.PATH ?? "", ...env, ...more },
    stdout: "ignore",
    stderr: "inherit",
  });
  running.add(child);
  return child;
}

async function kill(child: Subprocess): Promise<void> {
  running.delete(child);
  child.kill("SIGKILL");
  await child.exited;
}

const keeper = () => spawn("apps/keeper/main.ts");
const worker = () => spawn("workers/main.ts", { TRADEWIND_POOL: "low" });

/** Letters of `drill.fail.low` as the projection makes them; `failures` is how often a replay fails. */
async function letters(count: number, failures = 0, fingerprint = "fade000000000001"): Promise<string[]> {
  const ids = Array.from(
    { length: count },
    (_, i) => `LOW-${failures}-${fingerprint}-${String(i).padStart(4, "0")}`,
  );
  await sql`
    INSERT INTO bus.dead (id, kind, version, store_id, key, payload, reason, error, fingerprint, attempts, traceparent,
                          died_at, appeared_at)
    SELECT id, 'drill.fail.low', 1, '-', 'drill:fail', ${sql.json({ failures })}, 'failed', 'it broke', ${fingerprint}, 5,
           '', now() - interval '1 hour' + n * interval '1 second', now()
    FROM unnest(${ids}::text[]) WITH ORDINALITY AS t(id, n)`;
  return ids;
}

async function standing(id: string, status: Canary["status"]): Promise<Canary> {
  return until(
    async () => {
      const canary = await getCanary(sql, id);
      return canary?.status === status ? canary : null;
    },
    { timeoutMs: 40_000, what: `canary ${status}` },
  );
}

async function settled(): Promise<{ open: number; replayed: number; jobs: number }> {
  const [row] = await sql<{ open: number; replayed: number; jobs: number }[]>`
    SELECT count(*) FILTER (WHERE status = 'open') AS open, count(*) FILTER (WHERE status = 'replayed') AS replayed,
           count(DISTINCT replayed_as) AS jobs FROM bus.dead`;
  return row!;
}

/** Jobs by status, each counted once. */
async function ledger(): Promise<Record<string, number>> {
  const rows = await sql<
    { status: string; count: number }[]
  >`SELECT status, count(*) AS count FROM bus.job GROUP BY 1`;
  return Object.fromEntries(rows.map(row => [row.status, row.count]));
}

test("a canary whose jobs end well goes on by itself, in growing portions, until nothing is left", async () => {
  await letters(20);
  keeper();
  worker();
  const begun = await startCanary(sql, { fingerprint: "fade000000000001", size: 2, carryOn: true });
  expect(begun).toMatchObject({ status: "watching", replayed: 2, portion: 1 });
  const done = await standing(begun.id, "done");
  expect(done).toMatchObject({ replayed: 20, succeeded: 20, failed: 0, portion: 4 });
  expect(await settled()).toEqual({ open: 0, replayed: 20, jobs: 20 });
  expect(await ledger()).toEqual({ done: 20 });
});

test("a canary that fails again stops by itself, says where, and replays nothing further until it is told to", async () => {
  await letters(1);
  await letters(30, 100, "fade000000000002");
  keeper();
  worker();
  const begun = await startCanary(sql, { kind: "drill.fail.low", size: 1, carryOn: true });
  const stopped = await standing(begun.id, "stopped");
  expect(stopped).toMatchObject({ stoppedBy: "failure", portion: 2, replayed: 3, succeeded: 1 });
  expect(stopped.stoppedAt?.error).toContain("drill");
  expect((await settled()).open).toBe(28);

  const told = await continueCanary(sql, begun.id);
  expect(told).toMatchObject({ status: "watching", portion: 3, replayed: 7 });
  await standing(begun.id, "stopped");
  expect((await settled()).replayed).toBe(7);
});

test("a canary waits to be told when it was not told to go on", async () => {
  await letters(6);
  keeper();
  worker();
  const { id } = await startCanary(sql, { fingerprint: "fade000000000001", size: 2, limit: 5 });
  expect(await standing(id, "waiting")).toMatchObject({ replayed: 2, succeeded: 2 });
  await continueCanary(sql, id);
  expect(await standing(id, "done")).toMatchObject({ replayed: 5, succeeded: 5, failed: 0 });
  await expect(continueCanary(sql, id)).rejects.toMatchObject({ status: 409 });
  await expect(stopCanary(sql, id)).rejects.toMatchObject({ status: 409 });
  expect((await settled()).open).toBe(1);
});

test("a canary that is stopped by hand replays nothing further; a group has one at a time", async () => {
  await letters(4);
  const which = { fingerprint: "fade000000000001", carryOn: true };
  const { id } = await startCanary(sql, which);
  await expect(startCanary(sql, which)).rejects.toMatchObject({ code: "canary_running" });
  expect(await stopCanary(sql, id)).toMatchObject({ status: "stopped", stoppedBy: "operator" });
  keeper();
  worker();
  await until(async () => (await ledger()).done === 1, { what: "the job that was out" });
  expect(await settled()).toEqual({ open: 3, replayed: 1, jobs: 1 });
  await expect(startCanary(sql, { fingerprint: "nothing" })).rejects.toMatchObject({ status: 404 });
});

test("a canary stops where a letter's payload no longer fits its kind", async () => {
  await letters(2);
  await sql`UPDATE bus.dead SET payload = '{"failures": "many"}' WHERE id LIKE '%0001'`;
  keeper();
  worker();
  const { id } = await startCanary(sql, { fingerprint: "fade000000000001", carryOn: true });
  const stopped = await standing(id, "stopped");
  expect(stopped).toMatchObject({ stoppedBy: "payload", replayed: 1 });
  expect(stopped.stoppedAt?.error).toContain("payload.failures");
});

test("keepers that are killed in the middle of a portion lose none and repeat none", async () => {
  const ids = await letters(15);
  const first = keeper();
  worker();
  // The next portion can't be taken: its keeper holds the canary and waits for this letter.
  const blocker = connect(env.DATABASE_URL!, { max: 1, application: "blocker" });
  closers.push(() => blocker.end());
  const held = Promise.withResolvers<void>();
  const holding = blocker.begin(async tx => {
    await tx`SELECT FROM bus.dead WHERE id = ${ids[2]!} FOR UPDATE`;
    await held.promise;
  });
  const { id } = await startCanary(sql, { fingerprint: "fade000000000001", size: 1, carryOn: true });
  const stuck = async () => {
    const [row] = await sql<{ n: number }[]>`
      SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%bus.dead%'`;
    return row!.n > 0;
  };
  await until(stuck, { what: "a keeper in the middle of a portion" });
  await kill(first);
  expect(await getCanary(sql, id)).toMatchObject({ portion: 1, replayed: 1 });
  const [two, three] = [keeper(), keeper()];
  held.resolve();
  await holding;
  expect(await standing(id, "done")).toMatchObject({ replayed: 15, succeeded: 15 });
  expect(await settled()).toEqual({ open: 0, replayed: 15, jobs: 15 });
  expect(await ledger()).toEqual({ done: 15 });
  await Promise.all([kill(two), kill(three)]);
});

test("a process that is killed in the middle of a replay leaves every letter open, and the next replays each once", async () => {
  const ids = await letters(200);
  const blocker = connect(env.DATABASE_URL!, { max: 1, application: "blocker" });
  closers.push(() => blocker.end());
  const held = Promise.withResolvers<void>();
  const holding = blocker.begin(async tx => {
    await tx`SELECT FROM bus.dead WHERE id = ${ids[150]!} FOR UPDATE`;
    await held.promise;
  });
  const script = `
    import { replayDead } from "${join(root, "bus/index.ts")}";
    import { connect } from "${join(root, "platform/postgres/index.ts")}";
    const sql = connect(process.env.DATABASE_URL, { max: 1, application: "replayer" });
    await replayDead(sql, { kind: "drill.fail.low", limit: 200 });`;
  const child = Bun.spawn([process.execPath, "-e", script], {
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  running.add(child);
  await until(
    async () =>
      (
        await sql`SELECT FROM pg_stat_activity WHERE application_name = 'replayer' AND wait_event_type = 'Lock'`
      ).length > 0,
    { what: "a replay in the middle" },
  );
  await kill(child);
  held.resolve();
  await holding;
  await until(
    async () => (await sql`SELECT FROM pg_stat_activity WHERE application_name = 'replayer'`).length === 0,
    { what: "the end of its connection" },
  );
  expect(await settled()).toMatchObject({ open: 200, replayed: 0 });
  const both = await Promise.all([
    replayDead(sql, { kind: "drill.fail.low", limit: 200 }),
    replayDead(sql, { kind: "drill.fail.low", limit: 200 }),
  ]);
  expect(both.flat()).toHaveLength(200);
  keeper();
  worker();
  await until(async () => (await ledger()).done === 200, { timeoutMs: 30_000, what: "200 jobs" });
  expect(await settled()).toEqual({ open: 0, replayed: 200, jobs: 200 });
});

test("what dies is counted, grouped, and discarded as a group with a clean reason", async () => {
  keeper();
  worker();
  const contract = contractOf("drill.fail.low")!;
  for (let i = 0; i < 5; i++) await enqueue(sql, { contract, payload: { permanent: true }, storeId: "-" });
  bus.poke();
  await until(async () => (await groupDead(sql)).items[0]?.count === 5, {
    what: "five dead letters",
  });
  const counted = async () =>
    JSON.stringify(await bus.collectMetrics()).match(/tradewind_dead_letters_total.*?"value":5/);
  await until(counted, { what: "the counter" });

  const { items } = await groupDead(sql);
  expect(items).toMatchObject([{ kind: "drill.fail.low", count: 5, reason: "failed" }]);
  const { fingerprint } = items[0]!;
  const gone = await discardMany(sql, { fingerprint, limit: 3 }, "asked by ada@example.org");
  expect(gone).toHaveLength(3);
  const discarded = await listDead(sql, { status: "discarded", limit: 10 });
  expect(new Set(discarded.items.map(one => one.settledNote))).toEqual(new Set(["asked by <mail>"]));
  expect((await groupDead(sql)).items[0]!.count).toBe(2);
});
