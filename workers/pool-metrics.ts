import { latencyBuckets, type Metrics } from "../platform/metrics.ts";

export type PoolMetrics = {
  /** A try ended: `done`, `discarded`, `retrying`, `dead`, or `returned` to the bus. */
  settled(kind: string, status: string, durationMs: number): void;
};

export function createPoolMetrics(metrics: Metrics): PoolMetrics {
  const tries = metrics.counter("tradewind_job_tries_total", "Tries that ended, by kind and status", [
    "kind",
    "status",
  ]);
  const seconds = metrics.histogram(
    "tradewind_job_duration_seconds",
    "From the start of a try until its message was acknowledged",
    latencyBuckets,
    ["kind"],
  );
  // Looking labels up costs more than counting; there are few combinations.
  const counters = memoised((name: string) => {
    const [kind = "", status = ""] = name.split(" ");
    return tries.labels({ kind, status });
  });
  const durations = memoised((kind: string) => seconds.labels({ kind }));
  return {
    settled(kind, status, durationMs) {
      counters(`${kind} ${status}`).inc();
      durations(kind).observe(durationMs / 1_000);
    },
  };
}

function memoised<T>(make: (name: string) => T): (name: string) => T {
  const made = new Map<string, T>();
  return name => {
    const known = made.get(name) ?? make(name);
    made.set(name, known);
    return known;
  };
}
