/**
 * Cron: schedules (schedules.ts) → jobs, exactly one per tick over the cluster.
 *
 * Every keeper looks each second, by the database's clock, which schedules have a tick after the last that was seen to.
 * `bus.fire` moves that mark, enqueues the job and writes the row (name, tick) in one transaction; of keepers that look at the
 * same moment one moves the mark, the others find it moved.
 *
 * Ticks that were missed, because no keeper ran, are run once: the latest of them. A schedule that is seen for the first
 * time begins with its next tick. Ticks of a pause are not made up for.
 *
 * Crash story: killed before the commit, the mark stands where it stood, and the next look of any keeper does it. After the
 * commit the job is in the outbox. Nothing is remembered in the process.
 */
import type { Db, Sql } from "../platform/postgres/index.ts";
import { type OutboxRow, outboxRow } from "./outbox.ts";
import type { Schedule } from "./schedules.ts";
import { tickAfter, tickBefore } from "./ticks.ts";
import type { EnqueueOutcome } from "./unique.ts";

export type CronDeps = { sql: Db; schedules: readonly Schedule[]; timeZone: string };
export type Fired = { name: string; tick: Date | null; jobId: string; outcome: EnqueueOutcome };

const NO_STORE = "-";
const KEEP_DAYS = 31;

/** One look; returns what it fired. `at` stands for the database's clock in tests. */
export async function runSchedules(deps: CronDeps, at?: Date): Promise<Fired[]> {
  const { sql, schedules } = deps;
  const marks = await marksOf(sql, schedules);
  const fired: Fired[] = [];
  for (const schedule of schedules) {
    const mark = marks.get(schedule.name);
    if (!mark || mark.paused) continue;
    const tick = dueTick(deps, schedule, mark.lastTick, at ?? mark.now);
    if (!tick) continue;
    const one = await fire(sql, schedule, tick);
    if (one) fired.push({ name: schedule.name, tick, ...one });
  }
  return fired;
}

/** By hand, at once, paused or not. */
export async function runNow(
  sql: Sql,
  schedule: Schedule,
): Promise<{ jobId: string; outcome: EnqueueOutcome }> {
  return (await fire(sql, schedule, null))!;
}

/** The tick that has to be seen to: the latest of those after the mark. */
function dueTick(deps: CronDeps, schedule: Schedule, lastTick: Date, now: Date): Date | null {
  const timing = timingOf(schedule, deps.timeZone);
  const next = tickAfter(timing, lastTick);
  return next && next <= now ? tickBefore(timing, now) : null;
}

export function timingOf({ cron, timeZone }: Schedule, fallback: string) {
  return { cron, timeZone: timeZone ?? fallback };
}

type Mark = { name: string; paused: boolean; lastTick: Date; now: Date };

/** New schedules get their mark: the present. */
async function marksOf(sql: Db, schedules: readonly Schedule[]): Promise<Map<string, Mark>> {
  const names = schedules.map(one => one.name);
  const read = () => sql<Mark[]>`
    SELECT name, paused, last_tick AS "lastTick", now() AS now FROM bus.schedule WHERE name = ANY(${names})`;
  let rows = await read();
  if (rows.length < names.length) {
    await sql`INSERT INTO bus.schedule (name) SELECT unnest(${names}::text[]) ON CONFLICT DO NOTHING`;
    rows = await read();
  }
  return new Map(rows.map(row => [row.name, row]));
}

async function fire(
  sql: Sql,
  schedule: Schedule,
  tick: Date | null,
): Promise<{ jobId: string; outcome: EnqueueOutcome } | null> {
  const [row] = await sql<{ jobId: string | null; outcome: EnqueueOutcome }[]>`
    SELECT job_id AS "jobId", outcome
    FROM bus.fire(${schedule.name}, ${tick}::timestamptz, ${sql.json(rowOf(schedule) as never)})`;
  return row?.jobId ? { jobId: row.jobId, outcome: row.outcome } : null;
}

function rowOf({ name, contract, payload, storeId = NO_STORE, overlap = "skip" }: Schedule): OutboxRow {
  const unique = { mode: "drop", until: "end", key: `schedule:${name}` } as const;
  const job = { contract, payload: payload as never, storeId };
  return outboxRow({ ...job, unique: overlap === "skip" ? unique : false });
}

/** Sets what an operator may set. */
export async function setSchedule(
  sql: Sql,
  name: string,
  change: { paused: boolean; note?: string | undefined },
): Promise<void> {
  // Ticks of the pause are over: what comes next is the next tick.
  await sql`
    INSERT INTO bus.schedule AS s (name, paused, note) VALUES (${name}, ${change.paused}, ${change.note ?? null})
    ON CONFLICT (name) DO UPDATE SET
      paused = excluded.paused, note = excluded.note, changed_at = now(),
      last_tick = CASE WHEN s.paused AND NOT excluded.paused THEN greatest(s.last_tick, now()) ELSE s.last_tick END`;
}

/** Removes ticks after a month; returns how many. */
export async function forgetTicks(sql: Sql): Promise<number> {
  const rows = await sql`
    DELETE FROM bus.tick WHERE fired_at < now() - ${KEEP_DAYS} * interval '1 day' RETURNING 1`;
  return rows.length;
}
