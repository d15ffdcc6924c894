/**
 * Answers queries: by the engine with an index of its own as long as it answers within {@link ENGINE_MS}, else by
 * Postgres in the same shape. The answer says who gave it.
 *
 * A query that the engine does not answer in time is answered by Postgres; after {@link FAILURES} of them in a row nobody
 * waits for the engine any more. From then on one query in {@link PROBE_MS} is also sent to the engine, without its
 * shopper waiting for it, and the first answer brings the engine back.
 */
import { type Clock, systemClock } from "../platform/clock.ts";
import { invalid } from "../platform/errors.ts";
import type { Log } from "../platform/log.ts";
import { latencyBuckets, type Metrics } from "../platform/metrics.ts";
import type { Sql } from "../platform/postgres/index.ts";
import { Breaker } from "./breaker.ts";
import {
  type EngineName,
  type FacetName,
  type Found,
  facetNames,
  IndexMissing,
  type SearchEngine,
  type SearchQuery,
  type SearchSort,
} from "./engine.ts";
import { openPostgresEngine } from "./engines/postgres.ts";

export const limits = { q: 200, value: 255, limit: 100, offset: 1_000, price: 1_000_000_000_000 } as const;

const DEFAULT_LIMIT = 24;
const ENGINE_MS = 300;
const FAILURES = 3;
const PROBE_MS = 500;

export type SearchParams = {
  readonly q?: string | undefined;
  readonly category?: string | undefined;
  readonly vendor?: string | undefined;
  readonly priceMin?: number | undefined;
  readonly priceMax?: number | undefined;
  readonly inStock?: boolean | undefined;
  readonly sort?: SearchSort | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
  /** Names separated by commas. */
  readonly facets?: string | undefined;
};

export type SearchAnswer = Found & { engine: EngineName; tookMs: number };

export type SearchDeps = {
  readonly sql: Sql;
  /** Null: Postgres answers everything. */
  readonly engine: SearchEngine | null;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock?: Clock;
};

export type Search = (storeId: string, params: SearchParams) => Promise<SearchAnswer>;

/** A search with its own breaker; make one per process. The function throws Problem 422 for parameters out of bounds. */
export function createSearch(deps: SearchDeps): Search {
  const fallback = openPostgresEngine(deps.sql);
  const seconds = deps.metrics.histogram(
    "tradewind_search_seconds",
    "Time to answer a search, by the engine that answered",
    latencyBuckets,
    ["engine"],
  );
  const ask = deps.engine ? guarded(deps.engine, deps) : async () => null;
  return async (storeId, params) => {
    const startedAt = performance.now();
    const query = queryOf(params);
    const first = await ask(storeId, query);
    const found = first ?? (await fallback.search(storeId, query));
    const engine = first ? deps.engine!.name : fallback.name;
    const tookMs = performance.now() - startedAt;
    seconds.observe({ engine }, tookMs / 1_000);
    return { ...found, engine, tookMs: Math.round(tookMs * 100) / 100 };
  };
}

/** The engine's answer, or null when somebody else must answer. */
function guarded(engine: SearchEngine, { log, clock = systemClock }: SearchDeps) {
  const breaker = new Breaker({ failures: FAILURES, probeMs: PROBE_MS, clock });
  const call = async (storeId: string, query: SearchQuery): Promise<Found | null> => {
    try {
      const found = await engine.search(storeId, query, AbortSignal.timeout(ENGINE_MS));
      if (breaker.isOpen) log.info({ engine: engine.name }, "search engine is back");
      breaker.succeeded();
      return found;
    } catch (error) {
      if (error instanceof IndexMissing) {
        breaker.succeeded();
        return null;
      }
      const wasOpen = breaker.isOpen;
      breaker.failed();
      if (breaker.isOpen && !wasOpen)
        log.warn({ err: error, engine: engine.name }, "search falls back to Postgres");
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

/** Control and format characters (NUL, direction marks), which no product is found by. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}]+/gu;

function queryOf(params: SearchParams): SearchQuery {
  const { priceMin, priceMax, limit = DEFAULT_LIMIT, offset = 0 } = params;
  bounded("q", params.q?.length ?? 0, 0, limits.q, "characters");
  bounded("limit", limit, 1, limits.limit);
  bounded("offset", offset, 0, limits.offset);
  if (priceMin !== undefined && priceMax !== undefined && priceMin > priceMax) {
    throw invalid([{ path: "priceMin", message: "must not be above priceMax" }]);
  }
  return {
    q: (params.q ?? "").normalize("NFC").replace(INVISIBLE, " ").trimStart().slice(0, limits.q),
    category: plain(params.category),
    vendor: plain(params.vendor),
    priceMin,
    priceMax,
    inStock: params.inStock,
    sort: params.sort,
    limit,
    offset,
    facets: facetsOf(params.facets),
  };
}

/** An empty filter, as forms send it, is none. */
function plain(value: string | undefined): string | undefined {
  return value?.replace(INVISIBLE, " ").slice(0, limits.value) || undefined;
}

function bounded(path: string, value: number, min: number, max: number, unit = ""): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw invalid([{ path, message: `must be from ${min} to ${max} ${unit}`.trim() }]);
}

function facetsOf(list: string | undefined): FacetName[] {
  const names = new Set((list ?? "").split(",").map(name => name.trim()));
  names.delete("");
  for (const name of names) {
    if (!facetNames.includes(name as FacetName)) {
      throw invalid([{ path: "facets", message: `must be a list of ${facetNames.join(", ")}` }]);
    }
  }
  return [...names] as FacetName[];
}
