/** The SQL of `platform.cache_change`. */
import type { Db, Sql, Tx } from "../postgres/index.ts";

export type Change = { readonly id: number; readonly tags: string[]; readonly soon: boolean };

/** The state of the log that a follower has seen; text, as only Postgres reads it. */
export type Snapshot = string;

export type Read = {
  snapshot: Snapshot;
  /** Committed since the snapshot `after`. */
  fresh: Change[];
  /** At most `limit` changes whose tags' versions in the shared layer are still to be replaced; `tags` null: known. */
  open: { id: number; tags: string[] | null }[];
};

/**
 * One statement and so one snapshot: what it does not show the next reading will. `known`: open changes whose tags the last
 * reading gave; an import's are thousands, and it may be open for seconds.
 */
export async function readChanges(
  sql: Sql,
  after: Snapshot | null,
  limit: number,
  known: readonly number[],
): Promise<Read> {
  const [row] = await sql<[Read]>`
    SELECT pg_current_snapshot()::text AS snapshot,
      coalesce((SELECT jsonb_agg(jsonb_build_object('id', c.id, 'tags', c.tags, 'soon', c.soon))
                FROM platform.cache_change c
                WHERE c.xact >= pg_snapshot_xmin(${after}::text::pg_snapshot)
                  AND NOT pg_visible_in_snapshot(c.xact, ${after}::text::pg_snapshot)), '[]') AS fresh,
      coalesce((SELECT jsonb_agg(jsonb_build_object('id', o.id, 'tags', o.tags)) FROM (
                  SELECT c.id, CASE WHEN c.id <> ALL(${known as number[]}::bigint[]) THEN c.tags END AS tags
                  FROM platform.cache_change c WHERE c.applied_at IS NULL LIMIT ${limit}) o), '[]') AS open`;
  return row;
}

/** What each request changed, in the order of `traces`; also what a keeper has applied in the meantime. */
export async function selectOfTraces(sql: Sql, traces: readonly string[]): Promise<Change[][]> {
  const changes = await sql<(Change & { trace: string })[]>`
    SELECT id, tags, soon, trace FROM platform.cache_change WHERE trace = ANY(${traces as string[]}) ORDER BY id`;
  const byTrace = Map.groupBy(changes, one => one.trace);
  return traces.map(trace => byTrace.get(trace) ?? []);
}

/** Oldest first; those that may take a second when they have taken it. What another keeper holds is left to it. */
export function takeOpen(tx: Tx, limit: number): Promise<Change[]> {
  return tx<Change[]>`
    SELECT id, tags, soon FROM platform.cache_change
    WHERE applied_at IS NULL AND (NOT soon OR at < now() - interval '1 second')
    ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED`;
}

export async function markApplied(sql: Sql, ids: readonly number[]): Promise<void> {
  await sql`
    UPDATE platform.cache_change SET applied_at = now()
    WHERE id = ANY(${ids as number[]}) AND applied_at IS NULL`;
}

/** Puts one change of everything in the place of all that is open, when that is more than `most`. */
export async function condense(tx: Tx, most: number, everything: string): Promise<void> {
  await tx`
    WITH open AS MATERIALIZED (
      SELECT id FROM platform.cache_change WHERE applied_at IS NULL ORDER BY id FOR UPDATE
    ), applied AS (
      UPDATE platform.cache_change c SET applied_at = now() FROM open
      WHERE c.id = open.id AND (SELECT count(*) FROM open) > ${most}
      RETURNING 1
    )
    INSERT INTO platform.cache_change (tags, soon) SELECT ${[everything]}, false WHERE EXISTS (SELECT FROM applied)`;
}

export async function forgetApplied(sql: Db, keptMs: number, limit: number): Promise<number> {
  const rows = await sql`
    DELETE FROM platform.cache_change WHERE id IN (
      SELECT id FROM platform.cache_change WHERE applied_at < now() - ${keptMs} * interval '1 millisecond' LIMIT ${limit})`;
  return rows.count;
}
