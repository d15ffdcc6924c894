import { expect, test } from "bun:test";
import { Histogram, Registry } from "prom-client";
import { DenseHistogram } from "./histogram.ts";
import { mergeMetrics } from "./metrics.ts";

const options = { name: "waited_seconds", help: "Waiting", buckets: [0.001, 0.1, 2] };
const labelNames = ["route", "status"] as const;

test("shows what prom-client's would show of the same observations", async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const dense = new DenseHistogram(ours, { ...options, labels: labelNames });
  const usual = new Histogram({ ...options, labelNames: [...labelNames], registers: [theirs] });
  for (const [route, value] of [
    ...[0, 0.001, 0.0011, 0.1, 1.5, 2, 2.001, 1e9].map(value => ['/a"b\n', value] as const),
    ...Array.from({ length: 200 }, () => ["/c", 4 * Math.random() ** 8] as const),
  ]) {
    dense.labels(route, "200").observe(value);
    usual.labels(route, "200").observe(value);
  }
  // Nothing is shown of what was never observed.
  dense.labels("/d", "500");
  expect(await ours.metrics()).toBe(await theirs.metrics());
  const merged = async (registry: Registry) => {
    registry.setDefaultLabels({ process: "one" });
    return mergeMetrics([await registry.getMetricsAsJSON()]);
  };
  expect(await merged(ours)).toBe(await merged(theirs));
});

test("refuses values of another number of labels", () => {
  const dense = new DenseHistogram(new Registry(), { ...options, labels: labelNames });
  expect(() => dense.labels("/a")).toThrow("2 labels");
});
