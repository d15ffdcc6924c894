/**
 * Answers queries: by the engine with an index of its own as long as it answers within {@link ENGINE_MS}, else by
 * Postgres in the same shape. The answer says who gave it.
 *
 * A query that the engine does not answer in time is answered by Postgres, and the engine is asked for something easy
 * at once: it may be the query that was hard. After {@link FAILURES} failures in a row, of queries and of these, nobody waits for the
 * engine any more: within a second of the first, however rarely anybody searches. From then on one query in {@link PROBE_MS} is also sent to the engine, without its
 * shopper waiting for it, and the first answer brings the engine back.
 */
import { type Clock, systemClock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import { latencyBuckets, type Metrics } from "../platform/metrics.ts";
import type { Db } from "../platform/postgres/index.ts";
import { Breaker } from "./breaker.ts";
import { type EngineName, type Found, IndexMissing, type SearchEngine, type SearchQuery } from "./engine.ts";
import { openPostgresEngine } from "./engines/postgres.ts";

const ENGINE_MS = 300;
const FAILURES = 3;
const PROBE_MS = 500;

/** What an engine that works at all answers at once. */
const EASY: SearchQuery = { q: "", limit: 1, offset: 0, facets: [] };

/** Does it on a database that is as new as the call: `sql`, or a replica of it. */
export type Read = <T>(work: (sql: Db) => Promise<T>) => Promise<T>;

export type SearchDeps = {
  readonly sql: Db;
  /** For what is more than a look at a row; default: on `sql`. */
  readonly read?: Read;
  /** Null: Postgres answers everything. */
  readonly engine: SearchEngine | null;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock?: Clock;
};

/** `stopgap`: Postgres answered in the place of an engine that should have. */
export type Answered = Found & { engine: EngineName; stopgap: boolean };

/** Asks whoever answers. */
export type Ask = (storeId: string, query: SearchQuery) => Promise<Answered>;

export const readOf = ({ sql, read = work => work(sql) }: SearchDeps): Read => read;

/** With a breaker of its own; make one per process. */
export function createAsk(deps: SearchDeps): Ask {
  const read = readOf(deps);
  const seconds = deps.metrics.histogram(
    "tradewind_search_seconds",
    "Time to answer a search, by the engine that answered",
    latencyBuckets,
    ["engine"],
  );
  const ask = deps.engine ? guarded(deps.engine, deps) : async () => null;
  return async (storeId, query) => {
    const startedAt = performance.now();
    const first = await ask(storeId, query);
    const found = first ?? (await read(sql => openPostgresEngine(sql).search(storeId, query)));
    const engine = first ? deps.engine!.name : "postgres";
    seconds.observe({ engine }, (performance.now() - startedAt) / 1_000);
    // Not a copy: that would read all hits.
    return Object.assign(found, { engine, stopgap: !first && deps.engine !== null });
  };
}

/** The engine's answer, or null when somebody else must answer. */
function guarded(engine: SearchEngine, { log, clock = systemClock }: SearchDeps) {
  const breaker = new Breaker({ failures: FAILURES, probeMs: PROBE_MS, clock });
  const ask = (storeId: string, query: SearchQuery) =>
    engine.search(storeId, query, AbortSignal.timeout(ENGINE_MS));
  const failed = (error: unknown) => {
    const wasOpen = breaker.isOpen;
    breaker.failed();
    if (breaker.isOpen && !wasOpen)
      log.warn({ err: error, engine: engine.name }, "search falls back to Postgres");
  };
  /** Failures count; an answer tells nothing, for it may be the queries that are hard. */
  const doubt = async (storeId: string): Promise<void> => {
    while (!breaker.isOpen) {
      try {
        await ask(storeId, EASY);
        return;
      } catch (error) {
        if (error instanceof IndexMissing) return;
        failed(error);
      }
    }
  };
  const call = async (storeId: string, query: SearchQuery): Promise<Found | null> => {
    try {
      const found = await ask(storeId, query);
      if (breaker.isOpen) log.info({ engine: engine.name }, "search engine is back");
      breaker.succeeded();
      return found;
    } catch (error) {
      if (error instanceof IndexMissing) {
        breaker.succeeded();
        return null;
      }
      failed(error);
      if (!breaker.isOpen) void doubt(storeId);
      return null;
    }
  };
  return async (storeId: string, query: SearchQuery): Promise<Found | null> => {
    const admission = breaker.admit();
    if (admission === "call") return call(storeId, query);
    if (admission === "probe") void call(storeId, query);
    return null;
  };
}
