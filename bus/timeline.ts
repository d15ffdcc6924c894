/**
 * What happened to a business key, in order: the requests that caused its jobs, the jobs, their tries, their deaths, and
 * what was then done with the dead letters. One page holds the jobs of a stretch of time with all that belongs to them.
 */
import { uuidPattern } from "../platform/ids.ts";
import { badCursor } from "../platform/page.ts";
import type { Sql } from "../platform/postgres/index.ts";
import { traceId } from "../platform/trace.ts";
import { type Dead, deadOfJobs } from "./dead.ts";
import { jobsOfKeys, type LedgerJob } from "./ledger.ts";
import { type RequestNote, requestsOf } from "./requests.ts";

export const timelineTypes = [
  "request",
  "job.queued",
  "job.try",
  "job.due",
  "job.ended",
  "dead",
  "dead.replayed",
  "dead.discarded",
] as const;

/** Fields that an entry's type has no use for are absent. */
export type TimelineEntry = {
  at: Date;
  type: (typeof timelineTypes)[number];
  traceId: string | null;
  storeId?: string | null;
  jobId?: string | null;
  kind?: string;
  key?: string;
  attempt?: number;
  status?: string;
  endedAt?: Date | null;
  outcome?: string | null;
  error?: string | null;
  worker?: string | null;
  deadId?: string;
  reason?: string;
  fingerprint?: string;
  replayedAs?: string | null;
  note?: string | null;
  method?: string;
  route?: string;
  httpStatus?: number;
  tookMs?: number;
  node?: string;
};

export type Timeline = { items: TimelineEntry[]; nextCursor: string | null };

/** A trace may have caused many requests' worth of jobs; more than this is no timeline. */
const REQUESTS_MAX = 500;

/**
 * `limit` counts jobs, oldest first; the page's entries are in order of time.
 * @throws Problem 422 for a made-up cursor.
 */
export async function timelineOf(
  sql: Sql,
  keys: readonly string[],
  page: { limit: number; cursor?: string | undefined },
): Promise<Timeline> {
  if (page.cursor !== undefined && !uuidPattern.test(page.cursor)) throw badCursor();
  const found = await jobsOfKeys(sql, keys, { after: page.cursor, limit: page.limit + 1 });
  const jobs = found.slice(0, page.limit);
  const traces = [...new Set(jobs.map(job => traceId(job.traceparent)))].filter(id => id !== "");
  const [requests, letters] = await Promise.all([
    requestsOf(sql, traces, REQUESTS_MAX),
    deadOfJobs(
      sql,
      jobs.map(job => job.id),
    ),
  ]);
  const items = [...requests.map(ofRequest), ...jobs.flatMap(ofJob), ...letters.flatMap(ofLetter)];
  const nextCursor = found.length > page.limit ? jobs.at(-1)!.id : null;
  return { items: inOrder(items), nextCursor };
}

/** Of one moment, causes come first. */
export function inOrder<E extends { at: Date; type: string }>(entries: readonly E[]): E[] {
  const rank = (entry: E) => (timelineTypes as readonly string[]).indexOf(entry.type);
  return entries.toSorted((a, b) => a.at.getTime() - b.at.getTime() || rank(a) - rank(b));
}

function ofRequest({ status, ...request }: RequestNote): TimelineEntry {
  return { ...request, type: "request", httpStatus: status };
}

function ofJob(job: LedgerJob): TimelineEntry[] {
  const { id: jobId, kind, key, storeId } = job;
  const about = { jobId, kind, key, storeId, traceId: traceId(job.traceparent) || null };
  const entries: TimelineEntry[] = [{ ...about, at: job.queuedAt, type: "job.queued" }];
  for (const { attempt, startedAt, endedAt, outcome, error, worker } of job.tries) {
    if (startedAt)
      entries.push({ ...about, at: startedAt, type: "job.try", attempt, endedAt, outcome, error, worker });
  }
  if (job.runAt)
    entries.push({ ...about, at: job.runAt, type: "job.due", attempt: job.attempt, status: job.status });
  if (job.finishedAt) {
    entries.push({ ...about, at: job.finishedAt, type: "job.ended", status: job.status, error: job.error });
  }
  return entries;
}

function ofLetter(letter: Dead): TimelineEntry[] {
  const { id: deadId, jobId, kind, key, storeId, reason, error, fingerprint } = letter;
  const about = { deadId, jobId, kind, key, storeId, traceId: traceId(letter.traceparent) || null };
  const died: TimelineEntry = { ...about, at: letter.diedAt, type: "dead", reason, error, fingerprint };
  if (letter.status === "open" || !letter.settledAt) return [died];
  const type = `dead.${letter.status}` as const;
  return [
    died,
    { ...about, at: letter.settledAt, type, replayedAs: letter.replayedAs, note: letter.settledNote },
  ];
}
