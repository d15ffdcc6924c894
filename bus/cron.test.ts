import { afterEach, expect, test } from "bun:test";
import fc from "fast-check";
import { connect, type Db, transactionOnce } from "../platform/postgres/index.ts";
import { type FreshDatabase, freshDatabase, until } from "../platform/testing/index.ts";
import { contractOf } from "./contracts/index.ts";
import { runNow, runSchedules, setSchedule } from "./cron.ts";
import { listTicks, viewSchedules } from "./cron-views.ts";
import { type Schedule, schedules } from "./schedules.ts";
import { tickAfter, tickBefore } from "./ticks.ts";

let database: FreshDatabase;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const berlin = (cron: string) => ({ cron, timeZone: "Europe/Berlin" });
const iso = (times: (Date | null)[]) => times.map(time => time?.toISOString().slice(0, 16));

function ticks(timing: { cron: string; timeZone: string }, from: string, count: number) {
  const found: Date[] = [];
  for (let at = new Date(from); found.length < count; at = found.at(-1)!) found.push(tickAfter(timing, at)!);
  return iso(found);
}

test("a time of day that a gap leaves out is the end of the gap, once", () => {
  expect(ticks(berlin("30 2 * * *"), "2026-03-27T12:00Z", 3)).toEqual([
    "2026-03-28T01:30",
    "2026-03-29T01:00",
    "2026-03-30T00:30",
  ]);
});

test("a time of day that comes twice counts once, at its first coming", () => {
  expect(ticks(berlin("30 2 * * *"), "2026-10-24T12:00Z", 2)).toEqual([
    "2026-10-25T00:30",
    "2026-10-26T01:30",
  ]);
});

test("what is due every hour is due in every real hour, through gap and repeat", () => {
  expect(ticks(berlin("0 * * * *"), "2026-03-28T23:30Z", 4)).toEqual([
    "2026-03-29T00:00",
    "2026-03-29T01:00",
    "2026-03-29T02:00",
    "2026-03-29T03:00",
  ]);
  expect(ticks(berlin("0 * * * *"), "2026-10-24T23:30Z", 4)).toEqual([
    "2026-10-25T00:00",
    "2026-10-25T01:00",
    "2026-10-25T02:00",
    "2026-10-25T03:00",
  ]);
});

test("the tick before a moment is the last that is not after it, in any zone, at any time", () => {
  const crons = [
    "30 2 * * *",
    "*/7 * * * *",
    "0 0 1 * *",
    "15,45 9-17 * * 1-5",
    "*/5 * * * * *",
    "0 12 29 2 *",
  ];
  const zones = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Chatham",
  ];
  const moment = fc.integer({ min: Date.UTC(2025, 0), max: Date.UTC(2029, 0) });
  fc.assert(
    fc.property(fc.constantFrom(...crons), fc.constantFrom(...zones), moment, (cron, timeZone, ms) => {
      const at = new Date(ms);
      const before = tickBefore({ cron, timeZone }, at)!;
      const next = tickAfter({ cron, timeZone }, before)!;
      expect(before.getTime()).toBeLessThanOrEqual(ms);
      expect(next.getTime()).toBeGreaterThan(ms);
      expect(next).toEqual(tickAfter({ cron, timeZone }, at)!);
    }),
    { numRuns: 300 },
  );
});

test("every schedule can be read, has a name of its own and a payload that its kind takes", async () => {
  const { payloadFault } = await import("./envelope.ts");
  expect(new Set(schedules.map(one => one.name)).size).toBe(schedules.length);
  for (const { cron, timeZone = "UTC", contract, payload } of schedules) {
    expect(tickAfter({ cron, timeZone }, new Date())).toBeInstanceOf(Date);
    expect(payloadFault(contract, payload)).toBeNull();
  }
});

const hourly: Schedule = {
  name: "test.hourly",
  about: "a test",
  cron: "0 * * * *",
  contract: contractOf("drill.noop.low")!,
  payload: {} as never,
  overlap: "allow",
};

async function setup(more: Partial<Schedule> = {}) {
  database = await freshDatabase();
  closers.push(database.drop);
  const { sql } = database;
  const schedule = { ...hourly, ...more };
  const deps = { sql, schedules: [schedule], timeZone: "UTC" };
  // Its mark, as of a first look.
  expect(await runSchedules(deps)).toEqual([]);
  const mark = (at: string) => sql`UPDATE bus.schedule SET last_tick = ${at}`;
  await mark("2026-05-01T10:20:00Z");
  return { sql, schedule, deps, mark };
}

async function jobs(sql: Db): Promise<number> {
  const [row] = await sql<{ n: number }[]>`SELECT count(*) AS n FROM bus.outbox`;
  return row!.n;
}

function keeper(): Db {
  const sql = connect(database.url, { max: 2, application: "test" });
  closers.push(() => sql.end({ timeout: 1 }));
  return sql;
}

test("a schedule that is seen for the first time begins with its next tick", async () => {
  const { sql, deps } = await setup();
  await sql`DELETE FROM bus.schedule`;
  expect(await runSchedules(deps)).toEqual([]);
  expect(await jobs(sql)).toBe(0);
});

test("of keepers that race for a tick one fires it", async () => {
  const { sql, deps } = await setup();
  const keepers = Array.from({ length: 5 }, keeper);
  for (let hour = 11; hour < 21; hour++) {
    const at = new Date(`2026-05-01T${hour}:00:00.4Z`);
    const fired = await Promise.all(keepers.map(one => runSchedules({ ...deps, sql: one }, at)));
    expect(fired.flat()).toHaveLength(1);
  }
  expect(await jobs(sql)).toBe(10);
  const { length } = await sql`SELECT DISTINCT job_id FROM bus.tick`;
  expect(length).toBe(10);
});

test("nothing is fired before its time, nor twice, and ticks that were missed run once", async () => {
  const { deps, schedule } = await setup();
  expect(await runSchedules(deps, new Date("2026-05-01T10:59:59.9Z"))).toEqual([]);
  const [fired] = await runSchedules(deps, new Date("2026-05-02T07:30:00Z"));
  expect(fired).toMatchObject({ name: schedule.name, tick: new Date("2026-05-02T07:00:00Z") });
  expect(await runSchedules(deps, new Date("2026-05-02T07:59:00Z"))).toEqual([]);
  expect(await runSchedules(deps, new Date("2026-05-02T08:00:00Z"))).toHaveLength(1);
});

test("a keeper that dies in the middle of a tick has done nothing, and the next does it", async () => {
  const { sql, deps } = await setup();
  const doomed = keeper();
  const at = new Date("2026-05-01T11:00:01Z");
  const blocked = Promise.withResolvers<void>();
  // It moves the mark and can't write the job.
  const holding = transactionOnce(sql, async tx => {
    await tx`LOCK TABLE bus.outbox IN ACCESS EXCLUSIVE MODE`;
    await blocked.promise;
  });
  const dying = runSchedules({ ...deps, sql: doomed }, at).then(
    () => "done",
    () => "dead",
  );
  const stuck = () => sql`
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%bus.fire%'`;
  const [{ pid }] = (await until(async () => {
    const rows = await stuck();
    return rows.length > 0 && rows;
  })) as unknown as [{ pid: number }];
  await sql`SELECT pg_terminate_backend(${pid})`;
  expect(await dying).toBe("dead");
  blocked.resolve();
  await holding;
  expect(await jobs(sql)).toBe(0);
  expect(await runSchedules({ ...deps, sql: keeper() }, at)).toHaveLength(1);
  expect(await runSchedules({ ...deps, sql: keeper() }, at)).toHaveLength(0);
  expect(await jobs(sql)).toBe(1);
});

test("a paused schedule fires nothing, can be run by hand, and does not make up for its pause", async () => {
  const { sql, deps, schedule, mark } = await setup();
  await setSchedule(sql, schedule.name, { paused: true, note: "stock-taking" });
  expect(await runSchedules(deps, new Date("2026-05-01T12:00:00Z"))).toEqual([]);
  expect(await viewSchedules(deps)).toMatchObject([{ paused: true, note: "stock-taking", nextTick: null }]);
  expect(await runNow(sql, schedule)).toMatchObject({ outcome: "enqueued" });
  await setSchedule(sql, schedule.name, { paused: false });
  expect(await runSchedules(deps)).toEqual([]);
  await mark("2026-05-01T12:00:00Z");
  expect(await runSchedules(deps, new Date("2026-05-01T13:00:00Z"))).toHaveLength(1);
  const [view] = await viewSchedules(deps);
  expect(view).toMatchObject({ paused: false, note: null, last: { byHand: true, outcome: "enqueued" } });
  expect((await listTicks(sql, schedule.name, { limit: 10 })).map(one => one.byHand)).toEqual([true, false]);
});

test("a tick whose predecessor is still open is left to it, unless overlap is allowed", async () => {
  const { sql, deps } = await setup({ overlap: "skip" });
  const [first] = await runSchedules(deps, new Date("2026-05-01T11:00:00Z"));
  const [second] = await runSchedules(deps, new Date("2026-05-01T12:00:00Z"));
  expect(second).toMatchObject({ jobId: first!.jobId, outcome: "dropped" });
  await sql`DELETE FROM bus.outbox`;
  expect(await runSchedules(deps, new Date("2026-05-01T13:00:00Z"))).toMatchObject([{ outcome: "enqueued" }]);
  expect(await jobs(sql)).toBe(1);
});
