/**
 * Requests that caused jobs, for timelines: method, route pattern, status, time. No ids, no addresses. Kept in memory for
 * a moment and written in groups beside the requests' own transactions, so that a request pays microseconds for it. A
 * node that is killed loses its last moment: a timeline then begins with the job. Under a load that Postgres can't keep
 * up with, requests beyond {@link WAITING_MAX} are not written down.
 */
import type { Log } from "../platform/log.ts";
import type { Sql } from "../platform/postgres/index.ts";
import { traceId } from "../platform/trace.ts";
import { followCauses, hasCaused } from "./causes.ts";

export type CausingRequest = {
  traceparent: string;
  storeId: string | undefined;
  method: string;
  /** The pattern, such as `/store/carts/:id/checkout`. */
  route: string;
  status: number;
  tookMs: number;
};

export type RequestLog = {
  /** Takes a request that has ended; writes it down when it caused a job. */
  ended(request: CausingRequest): void;
  /** Writes what waits. Never throws. */
  flush(): Promise<void>;
};

const FLUSH_MS = 250;
const WAITING_MAX = 10_000;

type Row = CausingRequest & { atMs: number };

export function openRequestLog(deps: { sql: Sql; log: Log; node: string }): RequestLog {
  const { sql, log, node } = deps;
  followCauses();
  let waiting: Row[] = [];
  let timer: Timer | undefined;

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const rows = waiting;
    waiting = [];
    if (rows.length === 0) return;
    await insert(sql, node, rows).catch(error =>
      log.warn({ err: error, rows: rows.length }, "requests not noted"),
    );
  }

  return {
    ended(request) {
      if (!hasCaused(request.traceparent) || waiting.length >= WAITING_MAX) return;
      waiting.push({ ...request, atMs: Date.now() - request.tookMs });
      timer ??= setTimeout(() => void flush(), FLUSH_MS).unref();
    },
    flush,
  };
}

async function insert(sql: Sql, node: string, rows: readonly Row[]): Promise<void> {
  await sql`
    INSERT INTO bus.request (trace_id, at, store_id, node, method, route, status, took_ms)
    SELECT trace_id, to_timestamp(at), nullif(store_id, ''), ${node}, method, route, status, took_ms
    FROM unnest(${rows.map(row => traceId(row.traceparent))}::text[], ${rows.map(row => row.atMs / 1_000)}::float8[],
                ${rows.map(row => row.storeId ?? "")}::text[], ${rows.map(row => row.method)}::text[],
                ${rows.map(row => row.route)}::text[], ${rows.map(row => row.status)}::smallint[],
                ${rows.map(row => row.tookMs)}::real[])
      AS r(trace_id, at, store_id, method, route, status, took_ms)`;
}

export type RequestNote = {
  traceId: string;
  at: Date;
  storeId: string | null;
  node: string;
  method: string;
  route: string;
  status: number;
  tookMs: number;
};

/** The requests of these traces, oldest first; at most `limit`. */
export function requestsOf(sql: Sql, traceIds: readonly string[], limit: number): Promise<RequestNote[]> {
  return sql<RequestNote[]>`
    SELECT trace_id AS "traceId", at, store_id AS "storeId", node, method, route, status, took_ms AS "tookMs"
    FROM bus.request WHERE trace_id = ANY(${traceIds as string[]}) ORDER BY at LIMIT ${limit}`;
}
