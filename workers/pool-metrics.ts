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
  return {
    settled(kind, status, durationMs) {
      tries.inc({ kind, status });
      seconds.observe({ kind }, durationMs / 1_000);
    },
  };
}
