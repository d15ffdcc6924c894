/** Reading the ledger: what became of a job. Jobs that wait in the outbox are part of the answer. */
import { invalid } from "../platform/errors.ts";
import { uuidPattern } from "../platform/ids.ts";
import type { Sql } from "../platform/postgres/index.ts";
import { firstIdAt } from "./partitions.ts";

export const jobStatuses = [
  "queued",
  "delayed",
  "retrying",
  "done",
  "discarded",
  "cancelled",
  "dead",
] as const;
export type JobStatus = (typeof jobStatuses)[number];

export type LedgerTry = {
  attempt: number;
  startedAt: Date | null;
  endedAt: Date | null;
  outcome: string | null;
  error: string | null;
  worker: string | null;
  traceparent: string;
};

export type LedgerJob = {
  id: string;
  kind: string;
  version: number;
  priority: string;
  storeId: string;
  key: string;
  status: JobStatus;
  attempt: number;
  payload: unknown;
  traceparent: string;
  queuedAt: Date;
  /** When it is to start: of delayed jobs and parked retries. */
  runAt: Date | null;
  /** When somebody asked for its end; it has not come to that yet. */
  cancelRequestedAt: Date | null;
  startedAt: Date | null;
  finishedAt: Date | null;
  worker: string | null;
  error: string | null;
  tries: LedgerTry[];
};

export type JobFilter = {
  key?: string | undefined;
  kind?: string | undefined;
  status?: JobStatus | undefined;
  storeId?: string | undefined;
  /** Enqueued at or after, and before. */
  since?: Date | undefined;
  until?: Date | undefined;
  limit: number;
  cursor?: string | undefined;
};

/** The outbox holds first tries (queued or delayed) and parked retries; the latter have a ledger row already. */
const waiting = (sql: Sql) => sql`
  SELECT id, kind, version, priority, store_id, key,
         CASE WHEN due_at > now() THEN 'delayed' ELSE 'queued' END AS status,
         attempt, payload, traceparent, created_at AS queued_at, NULL::timestamptz AS started_at,
         NULL::timestamptz AS finished_at, NULL::text AS worker, NULL::text AS error
  FROM bus.outbox o WHERE attempt = 1`;

const ledger = (sql: Sql) => sql`
  SELECT id, kind, version, priority, store_id, key, status, attempt, payload, traceparent, queued_at, started_at,
         finished_at, worker, error FROM bus.job j WHERE true`;

const shaped = (sql: Sql) => sql`
  id, kind, version, priority, store_id AS "storeId", key, status, attempt, payload, traceparent,
  queued_at AS "queuedAt", started_at AS "startedAt", finished_at AS "finishedAt", worker, error,
  (SELECT o.due_at FROM bus.outbox o WHERE o.id = u.id AND o.due_at > now() ORDER BY o.attempt DESC LIMIT 1) AS "runAt",
  CASE WHEN finished_at IS NULL THEN (SELECT c.requested_at FROM bus.cancellation c WHERE c.job_id = u.id) END
    AS "cancelRequestedAt"`;

/** A job about many products or orders has the first of them as its key, and is found by each. */
function hasKey(sql: Sql, keys: readonly string[]) {
  const ids = (pattern: RegExp) => keys.flatMap(key => pattern.exec(key)?.[1] ?? []);
  const [products, orders] = [ids(/^product:(prod_[0-9a-z]+)$/), ids(/^order:(ord_[0-9a-z]+)$/)];
  // As the indexes job_products, job_orders and job_mails have it.
  return sql`(key = ANY(${keys as string[]})
    ${products.length > 0 ? sql`OR payload ? 'productIds' AND payload -> 'productIds' ?| ${products}` : sql``}
    ${orders.length > 0 ? aboutOrders(sql, orders) : sql``})`;
}

function aboutOrders(sql: Sql, orders: readonly string[]) {
  return sql`
    OR kind IN ('stock.commit', 'checkout.pay') AND payload -> 'orderIds' ?| ${orders as string[]}
    OR kind = 'email.send' AND payload ? 'orderIds' AND payload -> 'orderIds' ?| ${orders as string[]}`;
}

/** Jobs, latest first. */
export async function findJobs(
  sql: Sql,
  filter: JobFilter,
): Promise<{ items: LedgerJob[]; nextCursor: string | null }> {
  const { limit, cursor } = filter;
  if (cursor !== undefined && !uuidPattern.test(cursor)) {
    throw invalid([{ path: "cursor", message: "is not a cursor of this list" }]);
  }
  const where = sql`
    ${filter.key === undefined ? sql`` : sql`AND ${hasKey(sql, [filter.key])}`}
    ${filter.kind === undefined ? sql`` : sql`AND kind = ${filter.kind}`}
    ${filter.storeId === undefined ? sql`` : sql`AND store_id = ${filter.storeId}`}
    ${filter.since === undefined ? sql`` : sql`AND id >= ${firstIdAt(filter.since.getTime())}::uuid`}
    ${filter.until === undefined ? sql`` : sql`AND id < ${firstIdAt(filter.until.getTime())}::uuid`}
    ${cursor === undefined ? sql`` : sql`AND id < ${cursor}::uuid`}`;
  const status = filter.status === undefined ? sql`` : sql`WHERE status = ${filter.status}`;
  const rows = await sql<LedgerJob[]>`
    SELECT ${shaped(sql)} FROM (
      (SELECT * FROM (${ledger(sql)} ${where}) l ${status} ORDER BY id DESC LIMIT ${limit + 1})
      UNION ALL
      (SELECT * FROM (${waiting(sql)} ${where} AND NOT EXISTS (SELECT FROM bus.job j WHERE j.id = o.id)) w
       ${status} ORDER BY id DESC LIMIT ${limit + 1})
    ) u ORDER BY id DESC LIMIT ${limit + 1}`;
  const page = rows.slice(0, limit);
  const items = await withTries(sql, page);
  return { items, nextCursor: rows.length > limit ? page.at(-1)!.id : null };
}

/** One job with its tries, or null. */
export async function getJob(sql: Sql, id: string): Promise<LedgerJob | null> {
  const rows = await sql<LedgerJob[]>`
    SELECT ${shaped(sql)} FROM (
      ${ledger(sql)} AND id = ${id}::uuid UNION ALL ${waiting(sql)} AND id = ${id}::uuid
    ) u LIMIT 1`;
  return (await withTries(sql, rows))[0] ?? null;
}

/** The jobs of some keys, oldest first, after the job `after`. */
export async function jobsOfKeys(
  sql: Sql,
  keys: readonly string[],
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<LedgerJob[]> {
  const where = sql`AND ${hasKey(sql, keys)} ${after === undefined ? sql`` : sql`AND id > ${after}::uuid`}`;
  const rows = await sql<LedgerJob[]>`
    SELECT ${shaped(sql)} FROM (
      (SELECT * FROM (${ledger(sql)} ${where}) l ORDER BY id LIMIT ${limit})
      UNION ALL
      (SELECT * FROM (${waiting(sql)} ${where} AND NOT EXISTS (SELECT FROM bus.job j WHERE j.id = o.id)) w
       ORDER BY id LIMIT ${limit})
    ) u ORDER BY id LIMIT ${limit}`;
  return withTries(sql, rows);
}

const STORES_MAX = 10;

/** The stores whose jobs have this key; almost always one. */
export async function storesOfKey(sql: Sql, key: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT DISTINCT store_id AS id FROM (
      (SELECT store_id FROM bus.job WHERE ${hasKey(sql, [key])} ORDER BY id LIMIT 100)
      UNION (SELECT store_id FROM bus.outbox WHERE ${hasKey(sql, [key])} LIMIT 100)) s
    WHERE store_id <> '-' ORDER BY 1 LIMIT ${STORES_MAX}`;
  return rows.map(row => row.id);
}

async function withTries(sql: Sql, jobs: LedgerJob[]): Promise<LedgerJob[]> {
  if (jobs.length === 0) return [];
  const rows = await sql<(LedgerTry & { jobId: string })[]>`
    SELECT job_id AS "jobId", attempt, started_at AS "startedAt", ended_at AS "endedAt", outcome, error, worker,
           traceparent
    FROM bus.job_try WHERE job_id = ANY(${jobs.map(job => job.id)}::uuid[]) ORDER BY job_id, attempt, run`;
  return jobs.map(job => {
    const tries = rows.filter(row => row.jobId === job.id).map(({ jobId: _, ...one }) => one);
    return { ...job, tries: tries.length > 0 ? tries : onlyTry(job) };
  });
}

/** A job that ended at its first try has no rows of tries; its own row tells the one. */
function onlyTry(job: LedgerJob): LedgerTry[] {
  if (!job.startedAt) return [];
  const { attempt, startedAt, finishedAt: endedAt, status: outcome, error, worker, traceparent } = job;
  return [{ attempt, startedAt, endedAt, outcome, error, worker, traceparent }];
}
