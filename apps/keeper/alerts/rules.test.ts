import { expect, test } from "bun:test";
import { join } from "node:path";
import { prometheusRules } from "./prometheus.ts";
import { evaluate, rules, watched } from "./rules.ts";
import { type Metric, quantile, Series } from "./series.ts";

const HTTP = "tradewind_http_request_seconds";
const MINUTE_MS = 60_000;
/** All processes here started long before the first look at them. */
const start = (process: string, seconds = 0): Metric => ({
  name: "tradewind_process_start_time_seconds",
  type: "gauge",
  values: [{ value: seconds, labels: { process } }],
});
const gauge = (name: string, labels: Record<string, string>, value: number): Metric => ({
  name,
  type: "gauge",
  values: [{ value, labels: { process: "keeper", ...labels } }],
});
/** Requests of a node since its start: how many with each status, all as fast as `le` says. */
const http = (statuses: Record<string, number>, le = "0.01"): Metric => {
  const total = Object.values(statuses).reduce((sum, one) => sum + one, 0);
  const bounds = ["0.005", "0.01", "0.1", "1", "+Inf"];
  const bucket = (bound: string) => (bounds.indexOf(bound) >= bounds.indexOf(le) ? total : 0);
  return {
    name: HTTP,
    type: "histogram",
    values: [
      ...bounds.map(bound => ({ metricName: `${HTTP}_bucket`, labels: { le: bound }, value: bucket(bound) })),
      ...Object.entries(statuses).map(([status, value]) => ({
        metricName: `${HTTP}_count`,
        labels: { status },
        value,
      })),
    ],
  };
};
const tries = (counts: Record<string, number>): Metric => ({
  name: "tradewind_job_tries_total",
  type: "counter",
  values: Object.entries(counts).map(([status, value]) => ({
    labels: { kind: "email.send", status },
    value,
  })),
});

/** One sample a minute, each of all processes. */
function series(...samples: Metric[][][]): Series {
  const made = new Series(watched);
  for (const [minute, processes] of samples.entries()) made.add(minute * MINUTE_MS, processes);
  return made;
}
const fired = (given: Series) =>
  evaluate(given).map(one => (one.subject ? `${one.rule} ${one.subject}` : one.rule));

test("nothing is wrong with a cluster that is idle, nor with one that was only just looked at", () => {
  expect(fired(series([]))).toEqual([]);
  expect(fired(series([[start("api-1"), http({ 200: 1_000_000, 500: 500_000 })]]))).toEqual([]);
});

test("one request of fifty that fails is a warning, one of ten is critical, few requests are neither", () => {
  const before = [[start("api-1"), http({ 200: 1_000, 500: 900 })]];
  expect(fired(series(before, [[start("api-1"), http({ 200: 1_098, 500: 902 })]]))).toEqual(["HttpErrors"]);
  expect(fired(series(before, [[start("api-1"), http({ 200: 1_090, 500: 910 })]]))).toEqual([
    "HttpErrors",
    "HttpErrorsMany",
  ]);
  expect(fired(series(before, [[start("api-1"), http({ 200: 1_005, 500: 905 })]]))).toEqual([]);
});

test("a process that restarts, or comes new, takes nothing away and is counted from zero", () => {
  const found = series(
    [[start("api-1"), http({ 200: 1_000 })]],
    [
      [start("api-1", 30), http({ 200: 40, 500: 2 })],
      [start("api-2", 31), http({ 200: 60, 500: 2 })],
    ],
  );
  expect(evaluate(found)).toMatchObject([
    { rule: "HttpErrors", summary: "3.8 % of the last 104 requests failed" },
  ]);
});

test("a rate looks at five minutes only", () => {
  const errors = [[start("api-1"), http({ 200: 100, 500: 100 })]];
  const later = (n: number) => [[start("api-1"), http({ 200: 100 + n * 100, 500: 100 })]];
  const samples = [
    [[start("api-1"), http({ 200: 0 })]],
    errors,
    ...Array.from({ length: 7 }, (_, n) => later(n)),
  ];
  expect(fired(series(...samples.slice(0, 3)))).toContain("HttpErrorsMany");
  expect(fired(series(...samples))).toEqual([]);
});

test("tries of a kind that fail are told for that kind; what was given back is no try", () => {
  const before = [[start("normal-1"), tries({ done: 0, retrying: 0, returned: 0 })]];
  const after = (counts: Record<string, number>) => series(before, [[start("normal-1"), tries(counts)]]);
  expect(fired(after({ done: 95, retrying: 5, returned: 0 }))).toEqual(["JobFailures email.send"]);
  expect(fired(after({ done: 90, retrying: 6, dead: 4 }))).toContain("JobFailuresMany email.send");
  expect(fired(after({ done: 10, retrying: 1, returned: 5_000 }))).toEqual([]);
});

test("answers that take twice as long as in the hour before are told, unless nobody notices", () => {
  const usual = Array.from({ length: 30 }, (_, n) => [[start("api-1"), http({ 200: n * 100 }, "0.1")]]);
  const slow = (n: number): Metric => {
    const metric = http({ 200: n * 100 }, "0.1");
    const late = n - 29;
    for (const value of metric.values) if (value.labels.le === "0.1") value.value -= late * 100;
    return metric;
  };
  const slower = Array.from({ length: 6 }, (_, n) => [[start("api-1"), slow(30 + n)]]);
  expect(fired(series(...usual, ...slower))).toEqual(["SlowAnswers"]);
  expect(fired(series(...usual))).toEqual([]);
});

test("the gauges of queues, memory, connections and replicas have their limits", () => {
  const kind = { kind: "email.send", pool: "normal" };
  const at = (...metrics: Metric[]) => fired(series([[start("keeper"), ...metrics]]));
  const target = gauge("tradewind_pool_target_age_seconds", { pool: "normal" }, 30);
  expect(at(target, gauge("tradewind_queue_oldest_seconds", kind, 31))).toEqual(["BacklogTooOld email.send"]);
  expect(at(target, gauge("tradewind_queue_oldest_seconds", kind, 30))).toEqual([]);
  expect(at(gauge("tradewind_dead_letters_open", { kind: "email.send" }, 2))).toEqual([
    "DeadLetters email.send",
  ]);
  const waiting = gauge("tradewind_queue_waiting_jobs", kind, 9);
  expect(at(gauge("tradewind_pool_saturation", kind, 1))).toEqual([]);
  expect(at(gauge("tradewind_pool_saturation", kind, 1), waiting)).toEqual(["PoolSaturated email.send"]);
  const cap = gauge("tradewind_queue_cap_jobs", kind, 4);
  expect(at(cap, gauge("tradewind_queue_running_jobs", kind, 4), waiting)).toEqual(["CapReached email.send"]);
  expect(at(cap, gauge("tradewind_queue_running_jobs", kind, 3), waiting)).toEqual([]);
  expect(at(gauge("tradewind_host_memory_ratio", { host: "a" }, 0.95))).toEqual(["MemoryNearLimit a"]);
  expect(at(gauge("tradewind_pool_memory_ratio", { pool: "low" }, 0.95))).toEqual([
    "WorkerMemoryNearLimit low",
  ]);
  expect(at(gauge("tradewind_queue_away", kind, 1))).toEqual(["DownstreamAway email.send"]);
  expect(at(gauge("tradewind_queue_away", kind, 0))).toEqual([]);
  expect(at(gauge("tradewind_outbox_lag_seconds", {}, 11))).toEqual(["OutboxLag"]);
  expect(at(gauge("tradewind_postgres_connections_ratio", {}, 0.9))).toEqual(["DatabaseConnections"]);
  expect(at(gauge("tradewind_replica_away", { replica: "b:5432" }, 1))).toEqual(["ReplicaAway b:5432"]);
  expect(at(gauge("tradewind_replica_away", { replica: "b:5432" }, 0))).toEqual([]);
  expect(at(gauge("tradewind_replica_lag_seconds", { replica: "b:5432" }, 60))).toEqual([
    "ReplicaLag b:5432",
  ]);
  const storm = (process: string, value: number): Metric => ({
    ...gauge("tradewind_cache_storm", {}, value),
    values: [{ value, labels: { process } }],
  });
  expect(at(storm("api-1", 0), storm("api-2", 1))).toEqual(["CacheStorm"]);
  expect(at(storm("api-1", 0), storm("api-2", 0))).toEqual([]);
});

test("a quantile lies within its bucket, as Prometheus computes it", () => {
  const buckets = (counts: [string, number][]) => counts.map(([le, value]) => ({ labels: { le }, value }));
  expect(
    quantile(
      0.5,
      buckets([
        ["0.1", 0],
        ["0.2", 10],
        ["+Inf", 10],
      ]),
    ),
  ).toBeCloseTo(0.15);
  expect(
    quantile(
      0.95,
      buckets([
        ["0.1", 5],
        ["+Inf", 10],
      ]),
    ),
  ).toBe(0.1);
  expect(
    quantile(
      0.95,
      buckets([
        ["0.1", 0],
        ["+Inf", 0],
      ]),
    ),
  ).toBeNull();
});

test("the rules that are shipped for Prometheus are these", async () => {
  const shipped = join(import.meta.dir, "../../../deploy/prometheus/tradewind.rules.yml");
  expect(await Bun.file(shipped).text()).toBe(prometheusRules(rules));
});
