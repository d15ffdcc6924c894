/**
 * What is worth waking somebody for, as data. Each rule stands here twice, once as a function that keepers evaluate and
 * once as the PromQL that `deploy/prometheus` ships (a test compares the file): on the same metrics, with the same limits.
 */
import type { Finding, Severity } from "../../../platform/alerts/index.ts";
import { type Labels, quantile, type Series, type Watched } from "./series.ts";

/** One thing that is true; `subject` is the value of the rule's `by` label. */
export type Found = { subject?: string; value: number; summary: string };

export type Rule = {
  readonly name: string;
  readonly severity: Severity;
  /** How long it must be true. */
  readonly forSeconds: number;
  /** For people: what it means and what to do. */
  readonly about: string;
  readonly expr: string;
  check(series: Series): Found[];
};

const MINUTE_MS = 60_000;
const HTTP = "tradewind_http_request_seconds";
const TRIES = "tradewind_job_tries_total";
/** Fewer than this in five minutes prove nothing. */
const LEAST_COUNT = 20;

export const watched: readonly Watched[] = [
  { name: `${HTTP}_count`, by: ["status"] },
  { name: `${HTTP}_bucket`, by: ["le"] },
  { name: TRIES, by: ["kind", "status"] },
];

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const sumOf = (found: readonly { value: number }[]) => found.reduce((sum, one) => sum + one.value, 0);

function gaugeOf(series: Series, name: string, where: Labels = {}): number | null {
  const found = series
    .gauge(name)
    .filter(({ labels }) => Object.entries(where).every(([label, value]) => labels[label] === value));
  return found.length === 0 ? null : Math.max(...found.map(one => one.value));
}

/** A gauge that must not pass a limit, once for each of its label sets. */
function above(name: string, limit: (labels: Labels, series: Series) => number | null) {
  return (series: Series) =>
    series.gauge(name).flatMap(({ labels, value }) => {
      const most = limit(labels, series);
      return most !== null && value > most ? [{ labels, value, most }] : [];
    });
}

function httpErrors(limit: number) {
  return (series: Series): Found[] => {
    const all = series.increase(`${HTTP}_count`, 5 * MINUTE_MS);
    const total = sumOf(all);
    const share = sumOf(all.filter(one => one.labels.status!.startsWith("5"))) / total;
    if (total < LEAST_COUNT || share <= limit) return [];
    return [{ value: share, summary: `${percent(share)} of the last ${Math.round(total)} requests failed` }];
  };
}

const httpErrorsExpr = (limit: number) =>
  `sum(rate(${HTTP}_count{status=~"5.."}[5m])) / sum(rate(${HTTP}_count[5m])) > ${limit} and sum(increase(${HTTP}_count[5m])) >= ${LEAST_COUNT}`;

function jobFailures(limit: number) {
  return (series: Series): Found[] => {
    const kinds = Map.groupBy(series.increase(TRIES, 5 * MINUTE_MS), one => one.labels.kind!);
    return [...kinds].flatMap(([subject, tries]) => {
      const total = sumOf(tries.filter(one => one.labels.status !== "returned"));
      const share = sumOf(tries.filter(one => /^(?:retrying|dead)$/.test(one.labels.status!))) / total;
      if (total < LEAST_COUNT || share <= limit) return [];
      return [
        {
          subject,
          value: share,
          summary: `${percent(share)} of ${Math.round(total)} tries of ${subject} failed`,
        },
      ];
    });
  };
}

const jobFailuresExpr = (limit: number) =>
  `sum by (kind) (rate(${TRIES}{status=~"retrying|dead"}[5m])) / sum by (kind) (rate(${TRIES}{status!="returned"}[5m])) > ${limit} and sum by (kind) (increase(${TRIES}{status!="returned"}[5m])) >= ${LEAST_COUNT}`;

const p95Expr = (window: string) => `histogram_quantile(0.95, sum by (le) (rate(${HTTP}_bucket[${window}])))`;
/** Under it nobody notices that an answer took twice as long. */
const P95_FLOOR_SECONDS = 0.05;

const SATURATED = 0.95;
const CONNECTIONS = 0.8;
const MEMORY = 0.9;
const REPLICA_LAG_SECONDS = 10;
const OUTBOX_LAG_SECONDS = 10;

export const rules: readonly Rule[] = [
  {
    name: "BacklogTooOld",
    severity: "warning",
    forSeconds: 60,
    about:
      "The oldest waiting job of a kind is older than its pool's target. Look for a pause, a cap that is reached or a kind that fails; else give the pool more processes.",
    expr: `max by (kind, pool) (tradewind_queue_oldest_seconds) > on (pool) group_left () max by (pool) (tradewind_pool_target_age_seconds)`,
    check: series =>
      above("tradewind_queue_oldest_seconds", ({ pool }, from) =>
        gaugeOf(from, "tradewind_pool_target_age_seconds", { pool: pool! }),
      )(series).map(({ labels, value, most }) => ({
        subject: labels.kind!,
        value,
        summary: `the oldest job of ${labels.kind} has waited ${Math.round(value)} s; the target is ${most} s`,
      })),
  },
  {
    name: "HttpErrors",
    severity: "warning",
    forSeconds: 60,
    about:
      "More than 1 % of requests were answered with a 5xx over five minutes. The log of the API nodes says why.",
    expr: httpErrorsExpr(0.01),
    check: httpErrors(0.01),
  },
  {
    name: "HttpErrorsMany",
    severity: "critical",
    forSeconds: 60,
    about: "More than 5 % of requests were answered with a 5xx over five minutes.",
    expr: httpErrorsExpr(0.05),
    check: httpErrors(0.05),
  },
  {
    name: "JobFailures",
    severity: "warning",
    forSeconds: 120,
    about:
      "More than 1 % of a kind's tries failed over five minutes. `tradewind jobs find` shows the errors.",
    expr: jobFailuresExpr(0.01),
    check: jobFailures(0.01),
  },
  {
    name: "JobFailuresMany",
    severity: "critical",
    forSeconds: 120,
    about: "More than 5 % of a kind's tries failed over five minutes.",
    expr: jobFailuresExpr(0.05),
    check: jobFailures(0.05),
  },
  {
    name: "DeadLetters",
    severity: "warning",
    forSeconds: 0,
    about: "Jobs used up their tries. `tradewind dead list` groups them by error; replay or discard them.",
    expr: `max by (kind) (tradewind_dead_letters_open) > 0`,
    check: series =>
      above(
        "tradewind_dead_letters_open",
        () => 0,
      )(series).map(({ labels, value }) => ({
        subject: labels.kind!,
        value,
        summary: `${value} dead letters of ${labels.kind} are open`,
      })),
  },
  {
    name: "SlowAnswers",
    severity: "warning",
    forSeconds: 300,
    about: "The p95 of all routes is more than twice that of the hour before, and over 50 ms.",
    expr: `${p95Expr("5m")} > 2 * ${p95Expr("1h").replace("[1h]", "[1h] offset 5m")} and ${p95Expr("5m")} > ${P95_FLOOR_SECONDS}`,
    check(series) {
      const now = quantile(0.95, series.increase(`${HTTP}_bucket`, 5 * MINUTE_MS));
      const usual = quantile(0.95, series.increase(`${HTTP}_bucket`, 60 * MINUTE_MS, 5 * MINUTE_MS));
      if (now === null || usual === null || now <= P95_FLOOR_SECONDS || now <= 2 * usual) return [];
      const ms = (seconds: number) => `${Math.round(seconds * 1_000)} ms`;
      return [
        { value: now, summary: `p95 of all routes is ${ms(now)}; it was ${ms(usual)} in the hour before` },
      ];
    },
  },
  {
    name: "PoolSaturated",
    severity: "warning",
    forSeconds: 300,
    about:
      "All of a pool's slots for a kind are taken while jobs wait. The pool is at its ceiling, or its target was set by hand.",
    expr: `max by (kind) (tradewind_pool_saturation) > ${SATURATED} and on (kind) max by (kind) (tradewind_queue_waiting_jobs) > 0`,
    check: series =>
      above(
        "tradewind_pool_saturation",
        () => SATURATED,
      )(series).flatMap(({ labels, value }) => {
        const waiting = gaugeOf(series, "tradewind_queue_waiting_jobs", { kind: labels.kind! }) ?? 0;
        if (waiting === 0) return [];
        return [
          {
            subject: labels.kind!,
            value,
            summary: `all slots of ${labels.kind} are taken and ${waiting} jobs wait`,
          },
        ];
      }),
  },
  {
    name: "CapReached",
    severity: "info",
    forSeconds: 600,
    about:
      "A kind runs at its cluster-wide cap while jobs wait. Raise the cap if what it protects can take more.",
    expr: `max by (kind) (tradewind_queue_running_jobs) >= on (kind) max by (kind) (tradewind_queue_cap_jobs) and on (kind) max by (kind) (tradewind_queue_waiting_jobs) > 0`,
    check: series =>
      series.gauge("tradewind_queue_cap_jobs").flatMap(({ labels, value: cap }) => {
        const where = { kind: labels.kind! };
        const running = gaugeOf(series, "tradewind_queue_running_jobs", where) ?? 0;
        const waiting = gaugeOf(series, "tradewind_queue_waiting_jobs", where) ?? 0;
        if (running < cap || waiting === 0) return [];
        return [{ subject: labels.kind!, value: running, summary: `${labels.kind} is at its cap of ${cap}` }];
      }),
  },
  {
    name: "MemoryNearLimit",
    severity: "warning",
    forSeconds: 120,
    about: "A host has little memory left. Run fewer processes there, or look for one that has grown.",
    expr: `max by (host) (tradewind_host_memory_ratio) > ${MEMORY}`,
    check: series =>
      above(
        "tradewind_host_memory_ratio",
        () => MEMORY,
      )(series).map(({ labels, value }) => ({
        subject: labels.host!,
        value,
        summary: `${percent(value)} of the memory of ${labels.host} is in use`,
      })),
  },
  {
    name: "WorkerMemoryNearLimit",
    severity: "info",
    forSeconds: 120,
    about:
      "A worker process is near the limit at which it is replaced. When that comes again and again, raise the limit or look for the kind that grows.",
    expr: `max by (pool) (tradewind_pool_memory_ratio) > ${MEMORY}`,
    check: series =>
      above(
        "tradewind_pool_memory_ratio",
        () => MEMORY,
      )(series).map(({ labels, value }) => ({
        subject: labels.pool!,
        value,
        summary: `a process of the ${labels.pool} pool uses ${percent(value)} of its memory limit`,
      })),
  },
  {
    name: "DownstreamAway",
    severity: "warning",
    forSeconds: 60,
    about:
      "What a kind of job needs (SMTP, the search engine, the payment provider, the media folder) does not answer. Its jobs wait and burn no tries; `tradewind status` says what is wrong. They go on by themselves when it is back.",
    expr: "max by (kind) (tradewind_queue_away) > 0",
    check: series =>
      above(
        "tradewind_queue_away",
        () => 0,
      )(series).map(({ labels, value }) => ({
        subject: labels.kind!,
        value,
        summary: `${labels.kind} waits because what it needs is away`,
      })),
  },
  {
    name: "OutboxLag",
    severity: "critical",
    forSeconds: 30,
    about: "Jobs that are due are not published: no keeper runs, or NATS does not take them.",
    expr: `max(tradewind_outbox_lag_seconds) > ${OUTBOX_LAG_SECONDS}`,
    check: series =>
      above(
        "tradewind_outbox_lag_seconds",
        () => OUTBOX_LAG_SECONDS,
      )(series).map(({ value }) => ({
        value,
        summary: `the oldest due job has waited ${Math.round(value)} s for its publication`,
      })),
  },
  {
    name: "DatabaseConnections",
    severity: "warning",
    forSeconds: 60,
    about: "Postgres is near its connection limit. Lower TRADEWIND_DATABASE_POOL or run fewer processes.",
    expr: `max(tradewind_postgres_connections_ratio) > ${CONNECTIONS}`,
    check: series =>
      above(
        "tradewind_postgres_connections_ratio",
        () => CONNECTIONS,
      )(series).map(({ value }) => ({
        value,
        summary: `${percent(value)} of the connections that Postgres allows are in use`,
      })),
  },
  {
    name: "ReplicaAway",
    severity: "warning",
    forSeconds: 30,
    about:
      "A read replica does not answer, or is no replica of this database (any more): its reads burden the primary. The log of API nodes and keepers says why.",
    expr: "max by (replica) (tradewind_replica_away) > 0",
    check: series =>
      above(
        "tradewind_replica_away",
        () => 0,
      )(series).map(({ labels, value }) => ({
        subject: labels.replica!,
        value,
        summary: `replica ${labels.replica} is away`,
      })),
  },
  {
    name: "ReplicaLag",
    severity: "warning",
    forSeconds: 30,
    about:
      "A read replica is behind and left out: its reads burden the primary. Look for replay that is paused, a stream that is cut (`pg_stat_replication`), or a disk that is slower than the primary's.",
    expr: `max by (replica) (tradewind_replica_lag_seconds) > ${REPLICA_LAG_SECONDS}`,
    check: series =>
      above(
        "tradewind_replica_lag_seconds",
        () => REPLICA_LAG_SECONDS,
      )(series).map(({ labels, value }) => ({
        subject: labels.replica!,
        value,
        summary: `replica ${labels.replica} is ${Math.round(value)} s behind`,
      })),
  },
  {
    name: "CacheStorm",
    severity: "warning",
    forSeconds: 0,
    about:
      "More is made old than caches can use: over 2,000 tags a second on a node. What may be late (stock and lists) shows after up to five seconds; what must not, does not wait. Look for an import or a job that writes the same again and again (`tradewind_cache_invalidations_total` by `tag`).",
    expr: "max(tradewind_cache_storm) > 0",
    check(series) {
      const value = gaugeOf(series, "tradewind_cache_storm") ?? 0;
      return value > 0 ? [{ value, summary: "kept answers are made old faster than caches follow" }] : [];
    },
  },
];

/** All that is true now. */
export function evaluate(series: Series, list: readonly Rule[] = rules): Finding[] {
  return list.flatMap(rule =>
    rule.check(series).map(({ subject = "", summary, value }) => ({
      rule: rule.name,
      severity: rule.severity,
      forMs: rule.forSeconds * 1_000,
      subject,
      summary,
      value,
    })),
  );
}
