/**
 * Prometheus metrics by prom-client, one registry a process. Processes hand their values to the API node that is asked,
 * which shows those of its whole host ({@link mergeMetrics}). Every series has its process as a label and is not added up
 * here: a sum over processes falls when one of them restarts, which Prometheus would take for a counter that began anew.
 */
import { AggregatorRegistry, Counter, Gauge, Histogram, Registry } from "prom-client";
import { DenseHistogram } from "./histogram.ts";

export { DenseHistogram } from "./histogram.ts";

export type Metrics = {
  readonly registry: Registry;
  /** `collect` is called before the values are read: for what is counted elsewhere, and told then. */
  counter<L extends string>(
    name: string,
    help: string,
    labels?: readonly L[],
    collect?: (counter: Counter<L>) => void,
  ): Counter<L>;
  gauge<L extends string>(name: string, help: string, labels?: readonly L[]): Gauge<L>;
  histogram<L extends string>(
    name: string,
    help: string,
    buckets: number[],
    labels?: readonly L[],
  ): Histogram<L>;
  /** For what happens with each request or job. */
  denseHistogram<L extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels: readonly L[],
  ): DenseHistogram<L>;
};

/** Seconds; from half a millisecond to ten seconds. */
export const latencyBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export function createMetrics(processName: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ process: processName });
  const rss: Gauge = new Gauge({
    name: "tradewind_process_rss_bytes",
    help: "Resident memory of the process",
    registers: [registry],
    collect: (): void => rss.set(process.memoryUsage.rss()),
  });
  const start = new Gauge({
    name: "tradewind_process_start_time_seconds",
    help: "Start of the process in seconds since the epoch",
    registers: [registry],
  });
  start.set(Math.round(Date.now() / 1_000 - process.uptime()));
  const cpu: Counter = new Counter({
    name: "tradewind_process_cpu_seconds_total",
    help: "User and system time of the process",
    registers: [registry],
    collect: (): void => {
      const { user, system } = process.cpuUsage();
      cpu.reset();
      cpu.inc((user + system) / 1e6);
    },
  });
  return {
    registry,
    counter(name, help, labels = [], collect) {
      const counter: Counter<(typeof labels)[number]> = new Counter({
        name,
        help,
        labelNames: [...labels],
        registers: [registry],
        ...(collect && { collect: () => collect(counter) }),
      });
      return counter;
    },
    gauge: (name, help, labels = []) =>
      new Gauge({ name, help, labelNames: [...labels], registers: [registry] }),
    histogram: (name, help, buckets, labels = []) =>
      new Histogram({ name, help, buckets, labelNames: [...labels], registers: [registry] }),
    denseHistogram: (name, help, buckets, labels) =>
      new DenseHistogram(registry, { name, help, buckets, labels }),
  };
}

/** What `registry.getMetricsAsJSON()` gave in several processes as one exposition text. */
export function mergeMetrics(parts: unknown[][]): Promise<string> {
  return AggregatorRegistry.aggregate(parts as Parameters<typeof AggregatorRegistry.aggregate>[0]).metrics();
}
