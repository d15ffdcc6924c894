/**
 * What happens to a message that was delivered before. Only a started handler counts as a try, and only a worker that
 * died while it ran one job alone is proven to be killed by it. But a dead worker leaves hundreds of messages that it only
 * held, and they must not wait for one another. So suspicion comes in two steps:
 *
 *   delivered again ─┬ few of them here, or a suspect → begin, alone → run alone in the process ─┐
 *                    └ many → begin, beside others → run like any job, or batch ─────────────────┴→ settle closes the row
 *                                │ suspect: a worker died while the job ran in it → has to run alone
 *   and either begin may say     │ settled: the earlier run's end was committed, only its ack was lost → ack
 *                                │ cancelled: somebody wants it cancelled (cancel.ts) → settle as that
 *                                │ running: a live worker is at it (it stalled past the ack wait) → give back for a while
 *                                └ run: rows left open by dead workers have become kills; two proven ones → dead letter
 *
 * Crash story. A first delivery writes no row, so a crash there proves nothing: all that the dead worker held is
 * delivered again, and only what is started again has a row. Dies that worker too, then no more jobs are suspects than
 * ran at that moment; what still waited has no row and goes on as before. Suspects run alone, each under its row: the
 * killer dies with two workers more and is a dead letter, the others end. Killed between begin and start: the row says
 * started, and the job is a suspect for nothing; alone, it clears itself. A worker that somebody else killed (an
 * operator, the system) looks the same, and costs its jobs no more than that, unless it happens to one job alone, twice.
 *
 * Where a suspect could not run alone (a long job of another kind was at work), its row says so and a kill is not
 * proven; {@link UNPROVEN_LIMIT} of those end it too, so that no job can kill for ever.
 */
import type { Db } from "../platform/postgres/index.ts";
import type { Received } from "./envelope.ts";

const PROVEN_LIMIT = 2;
const UNPROVEN_LIMIT = 5;

export type Refusal = { type: "settled" } | { type: "cancelled" } | { type: "running" };

export type Verdict = Refusal | { type: "run"; run: number } | { type: "killer"; run: number; kills: number };

export async function beginRun(
  sql: Db,
  job: Received,
  run: { worker: string; alone: boolean; liveWorkers: readonly string[] },
): Promise<Verdict> {
  const [row] = await sql<{ verdict: string; run: number; proven_kills: number; kills: number }[]>`
    SELECT * FROM bus.begin_run(${job.id}, ${job.attempt}, ${run.worker}, ${run.alone}, ${job.traceparent},
                                ${run.liveWorkers as string[]}::text[])`;
  if (row!.verdict !== "run") return { type: row!.verdict } as Refusal;
  const { proven_kills: proven, kills, run: number } = row!;
  const isKiller = proven >= PROVEN_LIMIT || kills >= UNPROVEN_LIMIT;
  return isKiller ? { type: "killer", run: number, kills } : { type: "run", run: number };
}

export type BesideVerdict = Refusal | { type: "suspect" } | { type: "run"; run: number };

/** Verdicts in the order of `jobs`. */
export async function beginBeside(
  sql: Db,
  jobs: readonly Received[],
  { worker, liveWorkers }: { worker: string; liveWorkers: readonly string[] },
): Promise<BesideVerdict[]> {
  const rows = await sql<{ n: number; verdict: string; run: number }[]>`
    SELECT * FROM bus.begin_beside(
      ${jobs.map(job => job.id)}::uuid[], ${jobs.map(job => job.attempt)}::int[],
      ${jobs.map(job => job.traceparent)}::text[], ${worker}, ${liveWorkers as string[]}::text[])`;
  const byPlace = new Map(rows.map(row => [row.n, row]));
  return jobs.map((_, i) => {
    const { verdict, run } = byPlace.get(i + 1)!;
    return { type: verdict, run } as BesideVerdict;
  });
}

/** Closes a run that did not come to an end because its process leaves, or must not start yet; it proves nothing. */
export async function abandonRun(sql: Db, job: Received, run: number): Promise<void> {
  await sql`UPDATE bus.job_try SET ended_at = now(), outcome = 'given_back'
            WHERE job_id = ${job.id} AND attempt = ${job.attempt} AND run = ${run} AND outcome IS NULL`;
}

/** The process is shared from now on: should it die, that proves nothing against this run. */
export async function shareRun(sql: Db, job: Received, run: number): Promise<void> {
  await sql`UPDATE bus.job_try SET alone = false
            WHERE job_id = ${job.id} AND attempt = ${job.attempt} AND run = ${run} AND outcome IS NULL`;
}
