/** All SQL of canaries (canary.ts). */

import { uuidPattern } from "../platform/ids.ts";
import { badCursor, type Page, pageOf } from "../platform/page.ts";
import type { Sql } from "../platform/postgres/index.ts";

export const canaryStatuses = ["watching", "waiting", "stopped", "done"] as const;
export type CanaryStatus = (typeof canaryStatuses)[number];

export type Canary = {
  id: string;
  kind: string | null;
  fingerprint: string | null;
  ids: string[] | null;
  status: CanaryStatus;
  carryOn: boolean;
  stopOn: "failed_try" | "dead";
  /** Number of the portion that is out, from 1, and how many letters it may have. */
  portion: number;
  portionSize: number;
  limit: number;
  payload: unknown;
  replayed: number;
  /** Of the jobs replayed, as of the last look. */
  succeeded: number;
  failed: number;
  stoppedBy: "failure" | "payload" | "operator" | null;
  /** What stopped it. */
  stoppedAt: Failure | null;
  createdAt: Date;
  changedAt: Date;
  endedAt: Date | null;
};

export type Failure = { deadId: string | null; jobId: string | null; error: string };

/** How the jobs of the portion that is out stand; `firstFailed` by the order in which they died before. */
export type Outcomes = { open: number; succeeded: number; failed: number; firstFailed: Failure | null };

const columns = (sql: Sql) => sql`
  id, kind, fingerprint, ids, status, carry_on AS "carryOn", stop_on AS "stopOn", portion, portion_size AS "portionSize",
  letters_max AS "limit", payload, replayed, succeeded, failed, stopped_by AS "stoppedBy", stopped_at AS "stoppedAt",
  created_at AS "createdAt", changed_at AS "changedAt", ended_at AS "endedAt"`;

export async function insert(
  tx: Sql,
  given: {
    id: string;
    kind?: string | undefined;
    fingerprint?: string | undefined;
    ids?: readonly string[] | undefined;
    size: number;
    limit: number;
    carryOn: boolean;
    stopOn: "failed_try" | "dead";
    payload?: unknown;
  },
): Promise<Canary> {
  const payload = given.payload === undefined ? null : tx.json(given.payload as never);
  const [row] = await tx<Canary[]>`
    INSERT INTO bus.canary (id, kind, fingerprint, ids, carry_on, stop_on, portion_size, letters_max, payload)
    VALUES (${given.id}, ${given.kind ?? null}, ${given.fingerprint ?? null}, ${(given.ids as string[]) ?? null},
            ${given.carryOn}, ${given.stopOn}, ${given.size}, ${given.limit}, ${payload})
    RETURNING ${columns(tx)}`;
  return row!;
}

export async function watchingIds(sql: Sql): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`SELECT id FROM bus.canary WHERE status = 'watching' ORDER BY id LIMIT 100`;
  return rows.map(row => row.id);
}

/** Null: it ended, or another process is at it. */
export async function lockWatching(tx: Sql, id: string): Promise<Canary | null> {
  const [row] = await tx<Canary[]>`
    SELECT ${columns(tx)} FROM bus.canary WHERE id = ${id} AND status = 'watching' FOR UPDATE SKIP LOCKED`;
  return row ?? null;
}

export async function lock(tx: Sql, id: string): Promise<Canary | null> {
  if (!uuidPattern.test(id)) return null;
  const [row] = await tx<Canary[]>`SELECT ${columns(tx)} FROM bus.canary WHERE id = ${id} FOR UPDATE`;
  return row ?? null;
}

/**
 * A job that is not in the ledger yet waits in the outbox; one that ended without dying (done, discarded, cancelled) has
 * ended well.
 */
export async function outcomesOf(tx: Sql, { id, portion, stopOn }: Canary): Promise<Outcomes> {
  const [row] = await tx<Outcomes[]>`
    WITH job AS (
      SELECT d.id, d.died_at, d.replayed_as, coalesce(j.status, 'queued') AS status,
             coalesce(j.error, t.error, 'a try failed') AS error,
             coalesce(j.status = 'dead', false) OR (${stopOn} = 'failed_try' AND t.attempt IS NOT NULL) AS failed
      FROM bus.dead d
      LEFT JOIN bus.job j ON j.id = d.replayed_as
      LEFT JOIN LATERAL (SELECT y.attempt, y.error FROM bus.job_try y
                         WHERE y.job_id = d.replayed_as AND y.outcome IN ('retrying', 'dead', 'killed')
                         ORDER BY y.attempt LIMIT 1) t ON true
      WHERE d.canary_id = ${id} AND d.canary_portion = ${portion}
    )
    SELECT count(*) FILTER (WHERE status IN ('queued', 'delayed', 'retrying') AND NOT failed) AS open,
           count(*) FILTER (WHERE status NOT IN ('queued', 'delayed', 'retrying', 'dead') AND NOT failed) AS succeeded,
           count(*) FILTER (WHERE failed) AS failed,
           (SELECT jsonb_build_object('deadId', f.id, 'jobId', f.replayed_as, 'error', f.error)
            FROM job f WHERE f.failed ORDER BY f.died_at, f.id LIMIT 1) AS "firstFailed"
    FROM job`;
  return row!;
}

/** Totals: what earlier portions had come to when they ended, and the portion that is out. */
export async function note(tx: Sql, id: string, { succeeded, failed }: Outcomes): Promise<void> {
  await tx`
    UPDATE bus.canary SET succeeded = succeeded_before + ${succeeded}, failed = failed_before + ${failed},
      changed_at = now()
    WHERE id = ${id} AND (succeeded <> succeeded_before + ${succeeded} OR failed <> failed_before + ${failed})`;
}

export async function portionIsOut(
  tx: Sql,
  { id, portion, portionSize }: Canary,
  letters: number,
): Promise<void> {
  await tx`
    UPDATE bus.canary SET portion = ${portion}, portion_size = ${portionSize}, replayed = replayed + ${letters},
      succeeded_before = succeeded, failed_before = failed, changed_at = now() WHERE id = ${id}`;
}

export async function setStatus(tx: Sql, id: string, status: "waiting" | "done"): Promise<void> {
  await tx`
    UPDATE bus.canary SET status = ${status}, changed_at = now(),
      ended_at = CASE WHEN ${status} = 'done' THEN now() END WHERE id = ${id}`;
}

export async function resume(tx: Sql, id: string): Promise<void> {
  await tx`
    UPDATE bus.canary SET status = 'watching', carry_on = true, stopped_by = NULL, stopped_at = NULL, ended_at = NULL,
      changed_at = now() WHERE id = ${id}`;
}

export async function stop(
  tx: Sql,
  id: string,
  by: "failure" | "payload" | "operator",
  failure: Failure | null,
): Promise<void> {
  await tx`
    UPDATE bus.canary SET status = 'stopped', stopped_by = ${by}, stopped_at = ${failure && tx.json(failure)},
      ended_at = now(), changed_at = now() WHERE id = ${id}`;
}

/** Null: there is none, also for what is no id. */
export async function getCanary(sql: Sql, id: string): Promise<Canary | null> {
  if (!uuidPattern.test(id)) return null;
  const [row] = await sql<Canary[]>`SELECT ${columns(sql)} FROM bus.canary WHERE id = ${id}`;
  return row ?? null;
}

export type CanaryFilter = { status?: CanaryStatus | undefined; limit: number; cursor?: string | undefined };

/** Latest first. @throws Problem 422 for a made-up cursor. */
export async function listCanaries(sql: Sql, { status, limit, cursor }: CanaryFilter): Promise<Page<Canary>> {
  if (cursor !== undefined && !uuidPattern.test(cursor)) throw badCursor();
  const rows = await sql<Canary[]>`
    SELECT ${columns(sql)} FROM bus.canary
    WHERE true ${status === undefined ? sql`` : sql`AND status = ${status}`}
      ${cursor === undefined ? sql`` : sql`AND id < ${cursor}::uuid`}
    ORDER BY id DESC LIMIT ${limit + 1}`;
  return pageOf(rows, limit);
}
