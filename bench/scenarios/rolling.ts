/**
 * A rolling restart under load: `tradewind restart all`, again and again, on a whole cluster that serves 2,000 requests a
 * second over connections that are kept. What counts is that no request fails and nothing is done twice or not at all;
 * what it costs is the latency beside the same rate without a restart.
 */
import { join } from "node:path";
import type { BenchCluster } from "../cluster.ts";
import { complaints, type OpenResult, openLoop } from "../load/open.ts";
import type { ClusterScenario, Report } from "../scenario.ts";
import { countJobs, countSold, untilIdle } from "../settle.ts";
import { fillCarts, openBenchShop } from "../shop.ts";
import { round } from "../stats.ts";
import { kindsOf, type Visit, type Visitors } from "../traffic.ts";

const SKUS = 500;
const CARTS = 1_000;
/** Requests a second of each kind: 2,000. */
const mix: Readonly<Record<Exclude<Visit, "search" | "newCart">, number>> = {
  product: 1_450,
  list: 485,
  readCart: 30,
  addToCart: 5,
  checkout: 10,
  job: 20,
};
const PER_SECOND = Object.values(mix).reduce((sum, one) => sum + one, 0);
const JOB_KINDS = ["drill.noop.high", "drill.noop.normal", "drill.noop.low"];
/** Until programs are compiled and caches filled. */
const WARM_SECONDS = 5;
const root = join(import.meta.dir, "..", "..");

type Replaced = { from: string; to: string; startedMs: number; leftMs: number | null };

export const rollingScenario: ClusterScenario = {
  name: "rolling",
  about: "rolling restarts of everything at 2,000 requests a second: failed requests, effects, latency",
  seconds: 40,
  cluster: {
    TRADEWIND_AUTOSCALE: "off",
    TRADEWIND_RATE_LIMIT_FACTOR: "100000",
    TRADEWIND_DEMO: "off",
  },
  async run(cluster, { seconds, say }): Promise<Report> {
    say("rolling: filling a shop");
    const shop = await openBenchShop(cluster.sql, { skus: SKUS, announce: true });
    await untilIdle(cluster.sql, say);
    const carts = await fillCarts(cluster.sql, shop, CARTS, i => [shop.skus[i % SKUS]!]);
    const buying = Math.ceil(mix.checkout * (seconds * 1.5 + WARM_SECONDS) * 1.3) + 100;
    const toBuy = await fillCarts(cluster.sql, shop, buying, i => [shop.skus[(i * 13) % SKUS]!]);
    const next = (seconds: number) => toBuy.splice(0, Math.ceil(mix.checkout * seconds * 1.3) + 30);
    const load = (seconds: number) =>
      loaded(cluster, { shop, carts, opsKey: cluster.keys.ops, toBuy: next(seconds) }, seconds);
    const warm = await load(WARM_SECONDS);
    say(`rolling: ${PER_SECOND} requests a second without a restart`);
    const calm = await load(seconds / 2);
    say(`rolling: the same with restarts, for ${seconds} s`);
    const [rolling, replaced] = await Promise.all([load(seconds), restartWhile(cluster, seconds, say)]);
    for (const line of [...complaints(calm), ...complaints(rolling)]) say(`rolling: ${line}`);
    await untilIdle(cluster.sql, say);
    const faults = await countEffects(cluster, shop.storeId, [warm, calm, rolling]);
    const failed =
      rolling.kinds.reduce((sum, kind) => sum + kind.unexpected, 0) + (rolling.sent - rolling.answered);
    return {
      runs: 1,
      exact: calm.whole && rolling.whole && faults.length === 0 && replaced.length > 0,
      ours: figures(rolling),
      limit: { name: "the same rate without a restart", ...figures(calm) },
      ofLimit: round(figures(rolling).perSecond / figures(calm).perSecond),
      notes: [
        `${failed} of ${rolling.sent} requests failed while ${replaced.length} processes were replaced`,
        ...faults,
        ...["api", "keeper", "high", "normal", "low"].map(name => timesOf(name, replaced)),
        `the generator ${rolling.lateness.behind ? "fell behind: latencies are its own" : "kept its pace"}`,
      ],
    };
  },
};

function loaded(cluster: BenchCluster, visitors: Visitors, seconds: number): Promise<OpenResult> {
  return openLoop({
    ports: [cluster.port],
    perSecond: PER_SECOND,
    seconds,
    maxInFlight: 128,
    kinds: kindsOf(mix, visitors),
  });
}

/** One restart of everything after the other; the last begins when there is time for it. */
async function restartWhile(
  cluster: BenchCluster,
  seconds: number,
  say: (line: string) => void,
): Promise<Replaced[]> {
  const replaced: Replaced[] = [];
  const end = performance.now() + seconds * 1_000;
  for (let tookMs = 0; performance.now() + tookMs < end; ) {
    const since = performance.now();
    const child = Bun.spawn([process.execPath, join(root, "apps/cli/main.ts"), "restart", "--json"], {
      env: { ...process.env, TRADEWIND_HOME: cluster.home },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    if ((await child.exited) !== 0) throw new Error(`tradewind restart failed: ${err}`);
    replaced.push(...(JSON.parse(out) as { replaced: Replaced[] }).replaced);
    tookMs = performance.now() - since;
    say(`rolling: everything was replaced within ${round(tookMs / 1_000, 1)} s`);
  }
  return replaced;
}

async function countEffects(
  { sql }: BenchCluster,
  storeId: string,
  loads: readonly OpenResult[],
): Promise<string[]> {
  const answers = (kind: string, status: number) =>
    loads.reduce((sum, load) => sum + (load.kinds.find(one => one.name === kind)?.statuses[status] ?? 0), 0);
  const sold = await countSold(sql, storeId);
  const [orders, jobs] = [answers("checkout", 201), answers("job", 202)];
  const done = await countJobs(sql, JOB_KINDS);
  const counts: [string, number, number][] = [
    ["orders", sold.placed, orders],
    ["charges", sold.charges, orders],
    ["confirmation mails", sold.mails, orders],
    ["units taken from stock", sold.reserved, orders],
    ["jobs", done.done ?? 0, jobs],
  ];
  return counts.filter(([, is, want]) => is !== want).map(([what, is, want]) => `${is} ${what}, not ${want}`);
}

function timesOf(name: string, replaced: readonly Replaced[]): string {
  const some = replaced.filter(one => one.from.startsWith(name));
  const most = (values: number[]) => Math.max(0, ...values);
  const left = most(some.map(one => one.leftMs ?? Number.POSITIVE_INFINITY));
  return `${name}: ${some.length} replaced; worked after at most ${most(some.map(one => one.startedMs))} ms, the one before left within ${left} ms`;
}

function figures({ all, seconds }: OpenResult) {
  return {
    perSecond: Math.round(all.count / seconds),
    p50Ms: round(all.percentileMs(0.5)),
    p95Ms: round(all.percentileMs(0.95)),
    p99Ms: round(all.percentileMs(0.99)),
  };
}
