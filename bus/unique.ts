/**
 * Unique jobs: of the jobs with one key (within kind and store) one stands for all, from the moment it is enqueued until it
 * starts, or until it has ended.
 *
 * | mode     | while another job holds the key                                                                     |
 * | -------- | --------------------------------------------------------------------------------------------------- |
 * | drop     | the new job is not made; the holder does it                                                         |
 * | replace  | the holder is cancelled (a running one aborts, with `until: "end"`) and the new one takes its place |
 * | debounce | the holder waits anew, with the new payload, at most `maxWaitMs` in all; on its way: as `drop`      |
 *
 * `until: "start"` is for jobs that read current state: what changes while one runs needs another run. Between "the key is
 * held" and the commit of the change that asked, the holder must not start, or it would not see that change: the asking
 * transaction holds a share of the claim, and the worker gives the claim up, which waits for such shares, before it starts.
 *
 * | step                                 | a crash there                                                          |
 * | ------------------------------------ | ---------------------------------------------------------------------- |
 * | claim and outbox row                 | one transaction: both or none                                          |
 * | relay, retries                       | the claim stays with the job                                           |
 * | worker: claim given up, then started | the job comes back and runs; another may be enqueued meanwhile: no loss |
 * | terminal row                         | nothing is written about the claim: who meets it finds the job ended and takes it over; a sweep removes the rest |
 *
 * Locks: claims are taken in the order of their keys within one call, before rows of the outbox. A worker that gives up many
 * waits for none while it holds another.
 */
import { type Db, retried, type Sql } from "../platform/postgres/index.ts";
import { announceCancel } from "./cancel.ts";
import type { Connection } from "./connection.ts";
import type { Contract } from "./contracts/contract.ts";
import { type NewJob, outboxRow } from "./outbox.ts";

export type EnqueueOutcome = "enqueued" | "dropped" | "replaced" | "debounced";

export type Enqueued = {
  /** The job that will do it: the new one, or the holder of the key. */
  id: string;
  outcome: EnqueueOutcome;
  /** The job that was cancelled for the new one. */
  was: string | null;
};

/** Writes one job, in the caller's transaction, or finds the one that stands for it. */
export async function enqueueUnique<C extends Contract>(tx: Sql, job: NewJob<C>): Promise<Enqueued> {
  const row = outboxRow(job);
  if (!row.unique) throw new TypeError(`the job of kind ${row.kind} has no \`unique\``);
  const [made] = await tx<Enqueued[]>`
    SELECT job_id AS id, outcome, was FROM bus.enqueue_unique(${tx.json(row as never)})`;
  return made!;
}

/** After the commit: a replaced job may lie in JetStream or run; its worker hears of it now instead of in seconds. */
export function announceReplaced(connection: Connection, { id, was }: Enqueued): void {
  if (was) announceCancel(connection, was, `replaced by ${id}`);
}

/**
 * For a worker, before it starts unique jobs: their claims are given up where they end at the start. Returns those that
 * must not start, because they are to be cancelled.
 */
export async function startUnique(sql: Db, ids: readonly string[]): Promise<Set<string>> {
  const verdicts = await ask(sql, ids);
  for (const { id, verdict } of verdicts) if (verdict === "held") await release(sql, id);
  // A change that held a claim may have replaced the job.
  const again = verdicts.filter(one => one.verdict === "held").map(one => one.id);
  const late = again.length > 0 ? await ask(sql, again) : [];
  return new Set([...verdicts, ...late].filter(one => one.verdict === "cancelled").map(one => one.id));
}

async function ask(sql: Db, ids: readonly string[]) {
  return sql<{ id: string; verdict: "held" | "cancelled" }[]>`
    SELECT id, verdict FROM bus.start_unique(${ids as string[]}::uuid[])`;
}

async function release(sql: Db, id: string): Promise<void> {
  await retried(() => sql`DELETE FROM bus.unique_job WHERE job_id = ${id}::uuid AND until = 'start'`);
}

/** For keepers: removes claims whose job is over. The age keeps a claim that was just taken over from being judged by an older view. */
export async function sweepUnique(sql: Sql): Promise<number> {
  const rows = await sql`
    DELETE FROM bus.unique_job u WHERE (u.kind, u.store_id, u.key) IN (
      SELECT kind, store_id, key FROM bus.unique_job
      WHERE claimed_at < now() - interval '1 minute' AND NOT bus.is_open(job_id)
      LIMIT 1000 FOR UPDATE SKIP LOCKED
    ) AND u.claimed_at < now() - interval '1 minute' RETURNING 1`;
  return rows.length;
}
