/**
 * What the ledger forgets, and when: each kind's `keepDays` after the end of a job. Open jobs are kept however old they are.
 *
 * A day's partition is dropped as a whole once most kinds have let go of its finished jobs; the few rows that stay (dead
 * ones, those of kinds that are kept longer, jobs put off for weeks) move to the default partition first. Before that,
 * where too many would stay, and in the default partition, rows go in bounded steps. Requests and settled canaries go by their day; dead letters in steps, open ones too.
 *
 * Any number of keepers may run it: steps skip locked rows, and a partition is dropped under a lock with its survivors
 * moved in the same transaction. Crash story: before a commit nothing is gone; the next turn goes on.
 */
import { type Db, dayPartitions, type Partition, retirePartitions } from "../platform/postgres/index.ts";
import { keepDays } from "./contracts/contract.ts";
import { contracts } from "./contracts/index.ts";

const DAY_MS = 86_400_000;
const REQUEST_DAYS = 30;
const STEP = 2_000;
/** Steps of one table in one turn: the rest waits for the next. */
const STEPS = 50;
/** A partition with more rows to keep is emptied in steps instead of being dropped. */
const SURVIVORS_MAX = 20_000;

const rules = contracts.map(contract => ({ kind: contract.kind, ...(contract.keepDays ?? keepDays) }));
const doneDays = [keepDays.done, ...rules.map(rule => rule.done)];
const shortestDone = Math.min(...doneDays);

/** SQL over a row `p` of `bus.job`, true when its time is over. */
function expired(now: Date): string {
  const list = (pick: (rule: (typeof rules)[number]) => number, other: number) => {
    const special = rules.filter(rule => pick(rule) !== other);
    return `CASE p.kind ${special.map(rule => `WHEN '${rule.kind}' THEN ${pick(rule)}`).join(" ")} ELSE ${other} END`;
  };
  const dead = list(rule => rule.dead, keepDays.dead);
  const done = list(rule => rule.done, keepDays.done);
  const days = `CASE WHEN p.status = 'dead' THEN ${dead} ELSE ${done} END`;
  return `p.finished_at IS NOT NULL AND p.finished_at < '${now.toISOString()}'::timestamptz - make_interval(days => ${days})`;
}

export async function forgetOldJobs(sql: Db, now: Date): Promise<void> {
  for (const partition of await dayPartitions(sql, "bus.job")) {
    const days = (now.getTime() - partition.begin.getTime()) / DAY_MS - 1;
    if (days <= shortestDone) break;
    await forgetDay(sql, partition, days, now).catch(onlyGone);
  }
  await expire(sql, "bus.job_default", now);
  for (const { name, begin } of await dayPartitions(sql, "bus.request")) {
    if (now.getTime() - begin.getTime() <= (REQUEST_DAYS + 1) * DAY_MS) break;
    await retirePartitions(sql, [{ parent: "bus.request", name, survives: "false" }]);
  }
  await forgetLetters(sql, now);
}

async function forgetDay(sql: Db, partition: Partition, days: number, now: Date): Promise<void> {
  const isDue = days > keepDays.done && (await fewSurvive(sql, partition, now));
  await (isDue ? drop(sql, partition, now) : expire(sql, partition.name, now));
}

/** Another keeper has dropped the partition meanwhile. */
function onlyGone(error: { code?: string }): void {
  if (error.code !== "42P01") throw error;
}

async function fewSurvive(sql: Db, { name }: Partition, now: Date): Promise<boolean> {
  const rows = await sql.unsafe(
    `SELECT count(*) AS n FROM (SELECT FROM ${name} p WHERE (${expired(now)}) IS NOT TRUE LIMIT ${SURVIVORS_MAX + 1}) s`,
  );
  return (rows[0] as unknown as { n: number }).n <= SURVIVORS_MAX;
}

/** Tries go with their jobs: those of what has moved stay. */
function drop(sql: Db, { name }: Partition, now: Date): Promise<void> {
  const tries = name.replace("bus.job_", "bus.job_try_");
  return retirePartitions(sql, [
    { parent: "bus.job", name, survives: `(${expired(now)}) IS NOT TRUE` },
    {
      parent: "bus.job_try",
      name: tries,
      survives: "EXISTS (SELECT FROM bus.job_default j WHERE j.id = p.job_id)",
    },
  ]);
}

async function expire(sql: Db, table: string, now: Date): Promise<void> {
  for (let step = 0; step < STEPS; step++) {
    const gone = await sql.unsafe(`
      WITH old AS (
        SELECT p.id FROM ${table} p WHERE ${expired(now)} LIMIT ${STEP} FOR UPDATE SKIP LOCKED
      ), gone AS (
        DELETE FROM ${table} p USING old WHERE p.id = old.id RETURNING p.id
      ), tries AS (
        DELETE FROM bus.job_try y USING gone WHERE y.job_id = gone.id
      )
      SELECT count(*) AS n FROM gone`);
    if ((gone[0] as unknown as { n: number }).n < STEP) return;
  }
}

async function forgetLetters(sql: Db, now: Date): Promise<void> {
  const kinds = rules.map(rule => rule.kind);
  const days = rules.map(rule => rule.dead);
  for (let step = 0; step < STEPS; step++) {
    const gone = await sql`
      DELETE FROM bus.dead d WHERE d.id IN (
        SELECT o.id FROM bus.dead o LEFT JOIN unnest(${kinds}::text[], ${days}::int[]) AS k(kind, days) USING (kind)
        WHERE o.appeared_at < ${now}::timestamptz - make_interval(days => coalesce(k.days, ${keepDays.dead}))
        LIMIT ${STEP} FOR UPDATE OF o SKIP LOCKED)
      RETURNING d.id`;
    if (gone.length < STEP) break;
  }
  await sql`DELETE FROM bus.canary WHERE ended_at < ${now}::timestamptz - make_interval(days => ${keepDays.dead})`;
}
