/** Schedules as operators see them: code, what was set, and what became of the last ticks. */
import type { Sql } from "../platform/postgres/index.ts";
import { type CronDeps, timingOf } from "./cron.ts";
import type { Schedule } from "./schedules.ts";
import { tickAfter } from "./ticks.ts";

export type TickView = {
  /** The time it was due; of a run by hand, when it was asked for. */
  tick: Date;
  byHand: boolean;
  jobId: string;
  outcome: string;
  firedAt: Date;
  /** What the ledger says of the job; null: it waits in the outbox, or was forgotten. */
  status: string | null;
};

export type ScheduleView = {
  name: string;
  about: string;
  cron: string;
  timeZone: string;
  kind: string;
  payload: unknown;
  storeId: string;
  overlap: "skip" | "allow";
  paused: boolean;
  note: string | null;
  /** Null while it is paused. */
  nextTick: Date | null;
  last: TickView | null;
};

type Row = { name: string; paused: boolean; note: string | null; now: Date };

export async function viewSchedules({ sql, schedules, timeZone }: CronDeps): Promise<ScheduleView[]> {
  const names = schedules.map(one => one.name);
  const [rows, ticks] = await Promise.all([
    sql<Row[]>`SELECT name, paused, note, now() AS now FROM bus.schedule WHERE name = ANY(${names})`,
    lastTicks(sql, names),
  ]);
  return schedules.map(schedule => {
    const row = rows.find(one => one.name === schedule.name);
    const last = ticks.find(one => one.name === schedule.name);
    return view(schedule, timeZone, row, last ?? null);
  });
}

function view(
  schedule: Schedule,
  fallback: string,
  row: Row | undefined,
  last: (TickView & { name: string }) | null,
): ScheduleView {
  const timing = timingOf(schedule, fallback);
  const { name, about, payload, storeId = "-", overlap = "skip" } = schedule;
  const paused = row?.paused ?? false;
  const { name: _, ...tick } = last ?? { name: "" };
  return {
    ...{ name, about, ...timing, kind: schedule.contract.kind, payload, storeId, overlap, paused },
    note: row?.note ?? null,
    nextTick: paused ? null : tickAfter(timing, row?.now ?? new Date()),
    last: last && (tick as TickView),
  };
}

const columns = (sql: Sql) => sql`
  t.name, t.tick, t.by_hand AS "byHand", t.job_id AS "jobId", t.outcome, t.fired_at AS "firedAt",
  (SELECT j.status FROM bus.job j WHERE j.id = t.job_id) AS status`;

async function lastTicks(sql: Sql, names: string[]): Promise<(TickView & { name: string })[]> {
  return sql<(TickView & { name: string })[]>`
    SELECT ${columns(sql)} FROM unnest(${names}::text[]) AS n(name)
    CROSS JOIN LATERAL (SELECT * FROM bus.tick WHERE name = n.name ORDER BY tick DESC LIMIT 1) t`;
}

/** The latest ticks of one schedule, latest first. */
export async function listTicks(
  sql: Sql,
  name: string,
  page: { limit: number; before?: Date | undefined },
): Promise<TickView[]> {
  const rows = await sql<(TickView & { name: string })[]>`
    SELECT ${columns(sql)} FROM bus.tick t
    WHERE t.name = ${name} ${page.before ? sql`AND t.tick < ${page.before}` : sql``}
    ORDER BY t.tick DESC LIMIT ${page.limit}`;
  return rows.map(({ name: _, ...tick }) => tick);
}
