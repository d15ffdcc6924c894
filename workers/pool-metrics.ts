import { latencyBuckets, type Metrics } from "../platform/metrics.ts";

/** A try ended: `done`, `discarded`, `retrying`, `dead`, or `returned` to the bus. */
export type KindMetrics = { settled(status: string, durationMs: number): void };

export type PoolMetrics = { of(kind: string): KindMetrics };

type Tally = { readonly kind: string; readonly status: string; tries: number };

export function createPoolMetrics(metrics: Metrics): PoolMetrics {
  // A counter of the library costs ten times as much as a number of ours, tens of thousands of times a second.
  const tallies: Tally[] = [];
  metrics.counter(
    "tradewind_job_tries_total",
    "Tries that ended, by kind and status",
    ["kind", "status"],
    counter => {
      for (const tally of tallies) {
        const { kind, status, tries } = tally;
        counter.inc({ kind, status }, tries);
        tally.tries = 0;
      }
    },
  );
  const seconds = metrics.denseHistogram(
    "tradewind_job_duration_seconds",
    "From the start of a try until its message was acknowledged",
    latencyBuckets,
    ["kind"],
  );
  return {
    of(kind) {
      const byStatus = new Map<string, Tally>();
      const durations = seconds.labels(kind);
      const open = (status: string) => {
        const tally = { kind, status, tries: 0 };
        tallies.push(tally);
        byStatus.set(status, tally);
        return tally;
      };
      return {
        settled(status, durationMs) {
          (byStatus.get(status) ?? open(status)).tries++;
          durations.observe(durationMs / 1_000);
        },
      };
    },
  };
}
