/**
 * What a load needs, from what was measured. Pure; docs/capacity.md tells the reasoning to operators.
 *
 * - **Utilisation law** (Denning and Buzen, 1978): utilisation = throughput × service demand. A scenario that keeps `c` cores busy
 *   at its maximum of `X` a second shows a demand of `c / X` core-seconds each; at a rate of λ that is λ·c/X cores. On a
 *   machine that also carries the client and the database, their part is in it: the demand is too high rather than too low.
 * - **Head room**: with utilisation ρ the time in the system grows as 1/(1 − ρ) (M/M/1), so cores are planned for ρ = 0.6, where
 *   an answer takes 2.5 times what it takes alone, and one more node than needed is there for one that is gone.
 * - **Little's law** (1961): in flight = rate × time in the system; that many database connections are in use.
 */
import type { Case, FullReport } from "../scenario.ts";
import { NoResults, type Results } from "./store.ts";

export type Measure = {
  perSecond: number;
  /** Cores that this rate kept busy. */
  cores: number;
  source: string;
};
export type Measures = {
  /** One node's checkouts while the pools rest, and all of an order until its last job is done. */
  checkout: Measure & { ms: number };
  order: Measure;
  read: Measure & { ms: number };
};
export type Target = { ordersPerMinute: number; rps: number };

export type Plan = Target & {
  ordersPerSecond: number;
  utilisation: number;
  /** Cores that the load takes, by part, before head room; and with it. */
  busy: { reads: number; checkouts: number; jobs: number };
  cores: number;
  apiNodes: number;
  workerProcesses: number;
  /** Checkouts and reads under way at once. */
  inFlight: number;
  databaseConnections: number;
  sources: string[];
};

export const UTILISATION = 0.6;
/** What a node opens by default (`TRADEWIND_DATABASE_POOL`) is a bound; this many are in use at once. */
const SPARE = 1;
/** Pools of three priorities want a process each, however little there is to do. */
const LEAST_WORKERS = 3;

export function planFor({ checkout, order, read }: Measures, target: Target): Plan {
  const { ordersPerMinute, rps } = target;
  const ordersPerSecond = ordersPerMinute / 60;
  const demand = (one: Measure) => one.cores / one.perSecond;
  const busy = {
    reads: rps * demand(read),
    checkouts: ordersPerSecond * demand(checkout),
    jobs: ordersPerSecond * Math.max(0, demand(order) - demand(checkout)),
  };
  // A node runs on one thread: its maximum is that of one node, whatever the cores beside it do.
  const nodeShare = rps / read.perSecond + ordersPerSecond / checkout.perSecond;
  const inCheckout = (ordersPerSecond * checkout.ms) / 1_000;
  return {
    ...target,
    ordersPerSecond: round(ordersPerSecond),
    utilisation: UTILISATION,
    busy: { reads: round(busy.reads), checkouts: round(busy.checkouts), jobs: round(busy.jobs) },
    cores: Math.max(1, Math.ceil((busy.reads + busy.checkouts + busy.jobs) / UTILISATION)),
    apiNodes: Math.max(1, Math.ceil(nodeShare / UTILISATION)) + SPARE,
    workerProcesses: Math.max(LEAST_WORKERS, Math.ceil(busy.jobs / UTILISATION)),
    inFlight: Math.ceil(inCheckout + (rps * read.ms) / 1_000),
    databaseConnections: Math.max(1, Math.ceil(inCheckout / UTILISATION)),
    sources: [checkout.source, order.source, read.source],
  };
}

const round = (value: number) => Number(value.toFixed(2));

/** @throws NoResults naming what has to be measured first. */
export function measuresOf(results: Results): Measures {
  const checkout = results.scenarios.checkout;
  if (!checkout) throw new NoResults(missing(results, "checkout"));
  const paused = caseOf(checkout, /clients, pools paused$/);
  const live = caseOf(checkout, /pools live/);
  const { cores } = checkout.machine;
  return {
    checkout: {
      perSecond: paused.perSecond!,
      cores,
      ms: paused.p50Ms!,
      source: sourceOf(checkout, paused.name),
    },
    order: { perSecond: live.perSecond!, cores, source: sourceOf(checkout, live.name) },
    read: readOf(results),
  };
}

/** The cached product, where it was measured; else searches that are asked again and again, which take a little more. */
function readOf(results: Results): Measures["read"] {
  const { read, search } = results.scenarios;
  // One node's thread is the core that is kept busy.
  const of = (report: FullReport, one: Partial<Case>, name: string) => ({
    perSecond: one.perSecond!,
    cores: 1,
    ms: one.p50Ms ?? 0,
    source: sourceOf(report, name),
  });
  if (read) return of(read, read.ours, "ours");
  if (!search) throw new NoResults(missing(results, "read"));
  const again = caseOf(search, /again and again/);
  return of(search, again, again.name);
}

const missing = (results: Results, scenario: string) =>
  `the results of ${results.commit} hold no ${scenario}; run \`bun run bench ${scenario}\``;

function caseOf(report: FullReport, name: RegExp): Case {
  const found = report.cases?.find(one => name.test(one.name) && (one.perSecond ?? 0) > 0);
  if (!found) throw new NoResults(`the results of ${report.scenario} hold no case ${name.source}`);
  return found;
}

const sourceOf = (report: FullReport, name: string) =>
  `bun run bench ${report.scenario} (${name}) at ${report.commit}, ${report.machine.cores} × ${report.machine.model}${report.quick ? ", quick: not to plan by" : ""}`;

export function showPlan(plan: Plan): string {
  const { busy } = plan;
  return [
    `${plan.ordersPerMinute} orders a minute and ${plan.rps} reads a second need`,
    `  cores in all: ${plan.cores} (at ${plan.utilisation * 100} % use)`,
    `    busy: reads ${busy.reads}, checkouts with their database ${busy.checkouts}, jobs with theirs ${busy.jobs}`,
    `  ${plan.apiNodes} API nodes (one of them spare), ${plan.workerProcesses} workers over the three pools`,
    `  ${plan.inFlight} requests under way at once, ${plan.databaseConnections} database connections in use by checkouts`,
    "from",
    ...plan.sources.map(source => `  ${source}`),
    "reads are answered from caches; what misses them costs more (see docs/capacity.md)",
  ].join("\n");
}
