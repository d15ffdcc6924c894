/**
 * What shoppers search for and choose, counted by day (search.query_day, click_day). A node counts in memory and writes
 * sums every {@link FLUSH_MS}: a search costs no statement. What is counted is the query and never who asked it; one that
 * may hold a person's data is not counted.
 *
 * Crash story: a node that is killed loses what it has counted since the last writing, two seconds of it. Sums that could
 * not be written are kept and written with the next, as long as there is room ({@link MAX_KEPT} different queries); what
 * has none is dropped and counted in `tradewind_search_uncounted_total`.
 */
import { type Clock, systemClock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Sql } from "../platform/postgres/index.ts";
import { addClicks, addSearches } from "./analytics.store.ts";
import { fold } from "./fold.ts";
import { textOf } from "./params.ts";

const FLUSH_MS = 2_000;
const MAX_KEPT = 10_000;
const MAX_QUERY = 80;

/** A query as queries are compared, without what Postgres has no room for (NUL); null: not counted. */
export function countedQuery(q: string): string | null {
  const query = fold(textOf(q)).replace(/\s+/g, " ").trim();
  // Mail addresses, and what may be a telephone, card or account number, are nobody's search term.
  const personal = query.includes("@") || /(?:\d[ -]?){9,}/.test(query);
  return query === "" || query.length > MAX_QUERY || personal ? null : query;
}

type Subject = { day: string; storeId: string; query: string; productId?: string };
/** Searches and those without result, or clicks and their places. */
type Sums = readonly [number, number];
export type Count = Subject & { sums: Sums };

/** Sums by subject, of which there is room for a number. */
class Tally {
  #counts = new Map<string, Count>();

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  /** False: no room. */
  add(subject: Subject, [a, b]: Sums): boolean {
    const { day, storeId, query, productId = "" } = subject;
    const key = `${day} ${storeId} ${productId} ${query}`;
    const known = this.#counts.get(key);
    if (!known && this.#counts.size >= MAX_KEPT) return false;
    const [x, y] = known?.sums ?? [0, 0];
    this.#counts.set(key, { ...subject, sums: [x + a, y + b] });
    return true;
  }

  take(): Count[] {
    const counts = [...this.#counts.values()];
    this.#counts = new Map();
    return counts;
  }
}

export type CounterDeps = {
  readonly sql: Sql;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock?: Clock;
};

export type SearchCounter = {
  searched(storeId: string, q: string, total: number): void;
  /** To count the same search with again and again, thousands of times a second. */
  repeated(storeId: string, q: string, total: number): () => void;
  /** `position`: the hit's place among all hits, from 1. */
  clicked(storeId: string, click: { q: string; productId: string; position: number }): void;
  /** Writes what is counted. Never throws. */
  flush(): Promise<void>;
};

/** One per process. */
export function createCounter({ sql, log, metrics, clock = systemClock }: CounterDeps): SearchCounter {
  const searches = new Tally();
  const clicks = new Tally();
  let timer: Timer | undefined;
  const dropped = metrics.counter(
    "tradewind_search_uncounted_total",
    "Searches and clicks that were not counted for want of room",
  );

  function add(tally: Tally, subject: Omit<Subject, "day">, sums: Sums, day = today()): void {
    if (!tally.add({ ...subject, day }, sums)) dropped.inc();
    timer ??= setTimeout(() => void flush(), FLUSH_MS).unref();
  }
  const today = () => clock.now().toISOString().slice(0, 10);

  /** Sums that have not come into the tally yet. */
  const again = new Set<() => void>();

  async function write(tally: Tally, into: (sql: Sql, counts: readonly Count[]) => Promise<void>) {
    if (tally.isEmpty) return;
    const counts = tally.take();
    await into(sql, counts).catch(error => {
      log.warn({ err: error, counts: counts.length }, "searches not counted yet");
      for (const { sums, day, ...subject } of counts) add(tally, subject, sums, day);
    });
  }

  async function flush(): Promise<void> {
    for (const one of again) one();
    again.clear();
    clearTimeout(timer);
    timer = undefined;
    await Promise.all([write(searches, addSearches), write(clicks, addClicks)]);
  }

  return {
    searched(storeId, q, total) {
      const query = countedQuery(q);
      if (query !== null) add(searches, { storeId, query }, [1, total === 0 ? 1 : 0]);
    },
    repeated(storeId, q, total) {
      const query = countedQuery(q);
      let count = 0;
      const settle = () => {
        if (query !== null) add(searches, { storeId, query }, [count, total === 0 ? count : 0]);
        count = 0;
      };
      return () => {
        if (count++ > 0) return;
        again.add(settle);
        timer ??= setTimeout(() => void flush(), FLUSH_MS).unref();
      };
    },
    clicked(storeId, { q, productId, position }) {
      const query = countedQuery(q);
      if (query !== null) add(clicks, { storeId, query, productId }, [1, position]);
    },
    flush,
  };
}
