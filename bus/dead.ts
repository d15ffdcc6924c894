/**
 * Looking at dead letters: lists, groups, single ones, and what came to light lately. A dead letter is open until it is
 * replayed or discarded (dead-settle.ts, canary.ts).
 */
import { badCursor, decodeCursor, encodeCursor, type Page, pageOf } from "../platform/page.ts";
import type { Sql } from "../platform/postgres/index.ts";

export const deadStatuses = ["open", "replayed", "discarded"] as const;
export type DeadStatus = (typeof deadStatuses)[number];

export type Dead = {
  id: string;
  jobId: string | null;
  kind: string;
  version: number;
  storeId: string;
  key: string;
  payload: unknown;
  reason: string;
  error: string;
  stack: string | null;
  fingerprint: string;
  attempts: number;
  traceparent: string;
  diedAt: Date;
  status: DeadStatus;
  settledAt: Date | null;
  settledNote: string | null;
  replayedAs: string | null;
  /** Replayed with another payload than it died with. */
  edited: boolean;
  canaryId: string | null;
  /** Body of a message that could not be read, base64. */
  raw: string | null;
};

/** Which letters: all that are given must fit. */
export type DeadSelection = {
  kind?: string | undefined;
  fingerprint?: string | undefined;
  key?: string | undefined;
  storeId?: string | undefined;
};
export type DeadFilter = DeadSelection & {
  /** Default: open. */
  status?: DeadStatus | undefined;
  canaryId?: string | undefined;
  limit: number;
  cursor?: string | undefined;
};
export type DeadGroup = {
  fingerprint: string;
  kind: string;
  count: number;
  /** Of the letter that died last. */
  error: string;
  reason: string;
  lastId: string;
  firstDiedAt: Date;
  lastDiedAt: Date;
};

export const deadColumns = (sql: Sql) => sql`
  id, job_id AS "jobId", kind, version, store_id AS "storeId", key, payload, reason, error, stack, fingerprint, attempts,
  traceparent, died_at AS "diedAt", status, settled_at AS "settledAt", settled_note AS "settledNote",
  replayed_as AS "replayedAs", edited, canary_id AS "canaryId", raw`;

const selected = (sql: Sql, { kind, fingerprint, key, storeId }: DeadSelection) => sql`
  ${kind === undefined ? sql`` : sql`AND kind = ${kind}`}
  ${fingerprint === undefined ? sql`` : sql`AND fingerprint = ${fingerprint}`}
  ${key === undefined ? sql`` : sql`AND key = ${key}`}
  ${storeId === undefined ? sql`` : sql`AND store_id = ${storeId}`}`;

const PART = /^[!-~]{1,128}$/;
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** Dead letters, latest first. @throws Problem 422 for a made-up cursor. */
export async function listDead(sql: Sql, filter: DeadFilter): Promise<Page<Dead>> {
  const after = cursorOf(filter.cursor);
  const rows = await sql<Dead[]>`
    SELECT ${deadColumns(sql)} FROM bus.dead
    WHERE status = ${filter.status ?? "open"} ${selected(sql, filter)}
      ${filter.canaryId === undefined ? sql`` : sql`AND canary_id = ${filter.canaryId}`}
      ${after ? sql`AND (died_at, id) < (${after.diedAt}::timestamptz, ${after.id})` : sql``}
    ORDER BY died_at DESC, id DESC LIMIT ${filter.limit + 1}`;
  return pageOf(rows, filter.limit, row => encodeCursor([row.diedAt.toISOString(), row.id]));
}

function cursorOf(cursor: string | undefined): { diedAt: string; id: string } | null {
  const parts = decodeCursor(cursor, 2, PART);
  if (parts === null) return null;
  const [diedAt = "", id = ""] = parts;
  if (!TIME.test(diedAt) || Number.isNaN(Date.parse(diedAt))) throw badCursor();
  return { diedAt, id };
}

/** Open dead letters by error fingerprint, most first. @throws Problem 422 for a made-up cursor. */
export async function groupDead(
  sql: Sql,
  filter: DeadSelection & { limit?: number | undefined; cursor?: string | undefined } = {},
): Promise<Page<DeadGroup>> {
  const { limit = 100 } = filter;
  const after = decodeCursor(filter.cursor, 2, PART);
  if (after && !/^\d{1,12}$/.test(after[0]!)) throw badCursor();
  const rows = await sql<DeadGroup[]>`
    SELECT g.fingerprint, g.kind, g.count, l.error, l.reason, l.id AS "lastId", g.first AS "firstDiedAt",
           g.last AS "lastDiedAt"
    FROM (SELECT fingerprint, min(kind) AS kind, count(*) AS count, min(died_at) AS first, max(died_at) AS last
          FROM bus.dead WHERE status = 'open' ${selected(sql, filter)} GROUP BY fingerprint) g
    CROSS JOIN LATERAL (SELECT id, error, reason FROM bus.dead d
                        WHERE d.fingerprint = g.fingerprint AND d.status = 'open'
                        ORDER BY d.died_at DESC, d.id DESC LIMIT 1) l
    ${after ? sql`WHERE (-g.count, g.fingerprint) > (-${after[0]!}::bigint, ${after[1]!})` : sql``}
    ORDER BY -g.count, g.fingerprint LIMIT ${limit + 1}`;
  return pageOf(rows, limit, row => encodeCursor([String(row.count), row.fingerprint]));
}

export async function countDead(sql: Sql): Promise<number> {
  const [row] = await sql<{ count: number }[]>`SELECT count(*) AS count FROM bus.dead WHERE status = 'open'`;
  return row!.count;
}

export async function getDead(sql: Sql, id: string): Promise<Dead | null> {
  const [row] = await sql<Dead[]>`SELECT ${deadColumns(sql)} FROM bus.dead WHERE id = ${id}`;
  return row ?? null;
}

/** The letters that these jobs left. */
export async function deadOfJobs(sql: Sql, jobIds: readonly string[]): Promise<Dead[]> {
  return sql<Dead[]>`
    SELECT ${deadColumns(sql)} FROM bus.dead WHERE job_id = ANY(${jobIds as string[]}::uuid[]) ORDER BY died_at, id`;
}

/** When the latest open letter of a kind came to light, for those of the keys that have one. */
export async function openDeadOfKeys(
  sql: Sql,
  kind: string,
  keys: readonly string[],
): Promise<{ key: string; appearedAt: Date }[]> {
  return sql<{ key: string; appearedAt: Date }[]>`
    SELECT key, max(appeared_at) AS "appearedAt" FROM bus.dead
    WHERE key = ANY(${keys as string[]}) AND kind = ${kind} AND status = 'open' GROUP BY key`;
}
