/** What a cache counts. Families and layers are few, so children are looked up once. */
import type { Metrics } from "../metrics.ts";

export type Layered = "memory" | "shared";
export type Outcome = "hit" | "stale" | "miss";

export type CacheMetrics = {
  /** Adds to the asked, what is made anew beside an answer not included; `layer` is who answered, for hits. */
  given(family: string, outcome: Outcome, layer?: Layered): void;
  /** To count hits in memory with, thousands a second. */
  hits(family: string): { inc(): void };
  filled(family: string, seconds: number, kept: boolean): void;
  invalidated(tags: readonly string[]): void;
  dropped(family: string, unread: boolean): void;
};

const FILL_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

export function createCacheMetrics(
  metrics: Metrics,
  state: () => { entries: number; bytes: number; isStorm: boolean; waiting: number },
): CacheMetrics {
  const asked = metrics.counter("tradewind_cache_requests_total", "What caches were asked for", [
    "family",
    "outcome",
    "layer",
  ]);
  const fills = metrics.histogram(
    "tradewind_cache_fill_seconds",
    "Time to make an entry anew",
    FILL_BUCKETS,
    ["family", "kept"],
  );
  const invalidated = metrics.counter("tradewind_cache_invalidations_total", "Tags made old", ["tag"]);
  const dropped = metrics.counter(
    "tradewind_cache_dropped_total",
    "Entries that were taken out of memory because they had become old; unread: thrash",
    ["family", "unread"],
  );
  gauge("tradewind_cache_entries", "Entries in memory", () => state().entries);
  gauge("tradewind_cache_bytes", "Memory that they take, roughly", () => state().bytes);
  gauge("tradewind_cache_waiting", "Entries that wait for their turn to be made", () => state().waiting);
  gauge("tradewind_cache_storm", "1 while more is made old than caches follow", () =>
    Number(state().isStorm),
  );
  function gauge(name: string, help: string, value: () => number): void {
    const one = metrics.gauge(name, help);
    (one as unknown as { collect: () => void }).collect = () => one.set(value());
  }
  /** Hits in memory since the counter was last read: a plain addition each. */
  const tallies = new Map<string, { inc(): void; count: number }>();
  (asked as unknown as { collect: () => void }).collect = () => {
    for (const [family, tally] of tallies) {
      asked.labels(family, "hit", "memory").inc(tally.count);
      tally.count = 0;
    }
  };
  return {
    given: (family, outcome, layer) => asked.inc({ family, outcome, layer: layer ?? "none" }),
    hits(family) {
      const tally = tallies.get(family) ?? {
        count: 0,
        inc() {
          this.count++;
        },
      };
      tallies.set(family, tally);
      return tally;
    },
    filled: (family, seconds, kept) => fills.observe({ family, kept: String(kept) }, seconds),
    invalidated(tags) {
      const kinds = new Map<string, number>();
      for (const tag of tags) {
        const kind = tag.slice(0, tag.indexOf(":"));
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      }
      for (const [kind, count] of kinds) invalidated.inc({ tag: kind }, count);
    },
    dropped: (family, unread) => dropped.inc({ family, unread: String(unread) }),
  };
}
