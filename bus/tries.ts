/**
 * The slow path of a message that was delivered before. Only a started handler counts as a try, and only a worker that
 * died while it ran one job alone is proven to be killed by it:
 *
 *   delivered again → begin (row committed) → run alone in the process → settle closes the row
 *                        │ settled: the earlier run's end was committed, only its ack was lost → ack
 *                        │ cancelled: somebody wants it cancelled (cancel.ts) → settle as that
 *                        │ running: a live worker is at it (it stalled past the ack wait) → give back for a while
 *                        └ run: rows left open by dead workers have become kills; two proven ones → dead letter
 *
 * A first delivery writes no row, so a crash there proves nothing: the messages that the dead worker only held get the
 * slow path once and go on. Where a job could not run alone (a long job of another kind was at work), its row says so
 * and a kill is not proven; {@link UNPROVEN_LIMIT} of those end it too, so that no job can kill for ever.
 */
import type { Db } from "../platform/postgres/index.ts";
import type { Received } from "./envelope.ts";

const PROVEN_LIMIT = 2;
const UNPROVEN_LIMIT = 5;

export type Verdict =
  | { type: "settled" }
  | { type: "cancelled" }
  | { type: "running" }
  | { type: "run"; run: number }
  | { type: "killer"; run: number; kills: number };

export async function beginRun(
  sql: Db,
  job: Received,
  run: { worker: string; alone: boolean; liveWorkers: readonly string[] },
): Promise<Verdict> {
  const [row] = await sql<{ verdict: string; run: number; proven_kills: number; kills: number }[]>`
    SELECT * FROM bus.begin_run(${job.id}, ${job.attempt}, ${run.worker}, ${run.alone}, ${job.traceparent},
                                ${run.liveWorkers as string[]}::text[])`;
  if (row!.verdict !== "run") return { type: row!.verdict as "settled" | "cancelled" | "running" };
  const { proven_kills: proven, kills, run: number } = row!;
  const isKiller = proven >= PROVEN_LIMIT || kills >= UNPROVEN_LIMIT;
  return isKiller ? { type: "killer", run: number, kills } : { type: "run", run: number };
}

/** Closes a run that did not come to an end because its process leaves; it proves nothing. */
export async function abandonRun(sql: Db, job: Received, run: number): Promise<void> {
  await sql`UPDATE bus.job_try SET ended_at = now(), outcome = 'given_back'
            WHERE job_id = ${job.id} AND attempt = ${job.attempt} AND run = ${run} AND outcome IS NULL`;
}

/** The process is shared from now on: should it die, that proves nothing against this run. */
export async function shareRun(sql: Db, job: Received, run: number): Promise<void> {
  await sql`UPDATE bus.job_try SET alone = false
            WHERE job_id = ${job.id} AND attempt = ${job.attempt} AND run = ${run} AND outcome IS NULL`;
}
