/**
 * One decision: from what was measured to the plan that supervisors obey. Pure; what it remembers goes in and comes out.
 */
import {
  type Host,
  type PerPool,
  type PoolDecision,
  type PoolLoad,
  type PoolPlan,
  type PoolWish,
  type Priority,
  priorities,
} from "../../../bus/index.ts";
import { type Need, needOf } from "./need.ts";
import { type PoolDemand, place, type Shares, totalsOf } from "./placement.ts";
import { type Bounds, boundsOf, coresOf, type Policy } from "./policy.ts";
import { type KindMemory, observe } from "./service.ts";
import { granted, type Steps, startAt, step } from "./steps.ts";

export type Memory = PerPool<{
  readonly steps: Steps;
  readonly kinds: ReadonlyMap<string, KindMemory>;
  /** Cores that a busy process uses, smoothed; null: not measured yet. */
  readonly cores: number | null;
  /** The last step up was cut because the cores are taken. */
  readonly isCut: boolean;
}>;

export type Situation = {
  readonly policy: Policy;
  readonly hosts: readonly Host[];
  readonly wishes: PerPool<PoolWish>;
  readonly loads: PerPool<PoolLoad>;
  readonly nowMs: number;
};

type Judged = {
  bounds: Bounds;
  need: Need;
  demand: PoolDemand;
  steps: Steps;
  memory: Omit<Memory[Priority], "isCut">;
};

const DECISIONS_KEPT = 30;
const CORES_WEIGHT = 0.1;
const LEAST_CORES = 0.05;
/** Until it is measured. */
const ASSUMED_CORES = 1;

/** What a leader remembers that takes over from `plan`, or that begins. */
export function remember(plan: PoolPlan | null, hosts: readonly Host[], nowMs: number): Memory {
  const started = (priority: Priority) => hosts.reduce((sum, host) => sum + host.starts[priority], 0);
  return perPool(priority => ({
    steps: startAt(plan?.pools[priority].total ?? started(priority), nowMs),
    kinds: new Map(),
    cores: null,
    isCut: false,
  }));
}

export function decide(
  situation: Situation,
  memory: Memory,
  before: PoolPlan | null,
  stamp: { epoch: number; leader: string },
): { plan: PoolPlan; memory: Memory } {
  const { hosts, wishes, policy, nowMs } = situation;
  const judged = perPool(priority => judge(priority, situation, memory[priority]));
  const demands = perPool(priority => judged[priority].demand);
  const held: Shares = Object.fromEntries(
    Object.entries(before?.hosts ?? {}).map(([id, { shares }]) => [id, shares]),
  );
  const shares = place(hosts, demands, held);
  const totals = totalsOf(shares);
  const isCut = perPool(priority => {
    const { demand, need } = judged[priority];
    const wantsMore = need.processes > totals[priority];
    return totals[priority] < demand.wanted || (memory[priority].isCut && wantsMore);
  });
  const at = new Date(nowMs).toISOString();
  const pools = perPool(priority => ({
    total: totals[priority],
    mode: wishes[priority].processes === null ? ("auto" as const) : ("manual" as const),
    ...judged[priority].bounds,
    targetAgeMs: policy.pools[priority].targetAgeMs,
    reason: explain(priority, situation, judged[priority], totals[priority], isCut[priority]),
  }));
  const changes = priorities.flatMap(priority => change(priority, before, pools[priority], at));
  const plan = {
    ...stamp,
    at,
    pools,
    hosts: Object.fromEntries(hosts.map(({ id, name, cores }) => [id, { name, cores, shares: shares[id]! }])),
    decisions: [...changes, ...(before?.decisions ?? [])].slice(0, DECISIONS_KEPT),
  };
  const next = perPool(priority => ({
    ...judged[priority].memory,
    isCut: isCut[priority],
    steps: granted(judged[priority].steps, totals[priority]),
  }));
  return { plan, memory: next };
}

function judge(priority: Priority, situation: Situation, memory: Memory[Priority]): Judged {
  const { policy, hosts, nowMs } = situation;
  const [wish, load] = [situation.wishes[priority], situation.loads[priority]];
  const bounds = boundsOf(policy, priority, wish, hosts);
  const kinds = new Map(
    load.kinds.map(one => {
      const { kind } = one.contract;
      return [kind, observe(one, load.processes, memory.kinds.get(kind), nowMs)];
    }),
  );
  const cores = smoothed(memory.cores, load.coresPerProcess);
  const options = {
    targetAgeMs: policy.pools[priority].targetAgeMs,
    total: memory.steps.total,
    cores: coresOf(hosts),
  };
  const need = needOf(load.kinds, kinds, options);
  const manual = wish.processes !== null || !policy.enabled;
  const fixed = wish.processes ?? bounds.floor;
  const steps = manual ? startAt(fixed, nowMs) : step(memory.steps, need.processes, bounds, policy, nowMs);
  const demand = {
    floor: bounds.floor,
    wanted: steps.total,
    manual,
    need: need.processes,
    cores: cores ?? ASSUMED_CORES,
  };
  return { bounds, need, demand, steps, memory: { steps, kinds, cores } };
}

function smoothed(before: number | null, now: number | null): number | null {
  if (now === null) return before;
  const bounded = Math.max(LEAST_CORES, now);
  return before === null ? bounded : before + (bounded - before) * CORES_WEIGHT;
}

function change(
  priority: Priority,
  before: PoolPlan | null,
  now: PoolPlan["pools"][Priority],
  at: string,
): PoolDecision[] {
  const from = before?.pools[priority].total ?? now.total;
  if (from === now.total && (before === null || before.pools[priority].mode === now.mode)) return [];
  return [{ at, priority, from, to: now.total, reason: now.reason }];
}

function explain(
  priority: Priority,
  { wishes, policy, hosts }: Situation,
  judged: Judged,
  total: number,
  isCut: boolean,
): string {
  const { bounds, need, demand } = judged;
  if (wishes[priority].processes !== null) {
    return total === demand.wanted
      ? "set by an operator"
      : "set by an operator; no host is there to run them";
  }
  if (!policy.enabled) return "autoscaling is off";
  if (hosts.every(host => host.starts[priority] === 0)) return "no host takes part in this pool";
  const limits = [
    need.processes > bounds.ceiling && total === bounds.ceiling ? `the ceiling is ${bounds.ceiling}` : null,
    need.processes < bounds.floor && total === bounds.floor ? `the floor is ${bounds.floor}` : null,
    isCut ? "the cores are taken" : null,
    need.processes < total && total > bounds.floor ? "cooling down" : null,
  ].filter(one => one !== null);
  return [need.reason, ...limits].join("; ");
}

function perPool<T>(make: (priority: Priority) => T): PerPool<T> {
  return { high: make("high"), normal: make("normal"), low: make("low") };
}
