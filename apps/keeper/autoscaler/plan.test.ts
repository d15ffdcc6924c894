/** Decisions, from what is measured to the plan. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  contractOf,
  type Host,
  type KindLoad,
  type PerPool,
  type PoolLoad,
  type PoolPlan,
  type PoolWish,
} from "../../../bus/index.ts";
import { loadConfig } from "../../../platform/config.ts";
import { needOf } from "./need.ts";
import { decide, type Memory, remember, type Situation } from "./plan.ts";
import { policyOf } from "./policy.ts";
import { observe } from "./service.ts";

const sleep = contractOf("drill.sleep.high")!;
const image = contractOf("image.convert")!;
const stamp = { epoch: 1, leader: "test" };

function load(change: Partial<KindLoad> = {}): KindLoad {
  const idle = {
    waiting: 0,
    running: 0,
    oldestMs: null,
    perSecond: 0,
    meanMs: null,
    cap: 1_000,
    startsPerSecond: null,
  };
  return { contract: sleep, ...idle, ...change };
}

function pools(high: PoolLoad): PerPool<PoolLoad> {
  const idle = { processes: 1, coresPerProcess: null, kinds: [] };
  return { high, normal: idle, low: idle };
}

const noWish: PoolWish = { processes: null, floor: null, ceiling: null };
const noWishes: PerPool<PoolWish> = { high: noWish, normal: noWish, low: noWish };

function host(id: string, cores = 8): Host {
  return { id, name: `machine-${id}`, cores, starts: { high: 1, normal: 1, low: 1 } };
}

/** Decides each second; the loads follow from the processes that the pool has. */
function run(
  seconds: number,
  change: Partial<Situation> & { loadAt: (second: number, processes: number) => PoolLoad },
  from: { plan: PoolPlan | null; memory?: Memory; second?: number } = { plan: null },
): { plan: PoolPlan; memory: Memory } {
  const { loadAt, ...rest } = change;
  let { plan, memory } = from;
  for (let i = 1; i <= seconds; i++) {
    const second = (from.second ?? 0) + i;
    const situation = {
      policy: policyOf(loadConfig({})),
      hosts: [host("a")],
      wishes: noWishes,
      nowMs: second * 1_000,
      ...rest,
      loads: pools(loadAt(second, plan?.pools.high.total ?? 1)),
    };
    memory ??= remember(plan, situation.hosts, second * 1_000 - 1);
    ({ plan, memory } = decide(situation, memory, plan, stamp));
  }
  return { plan: plan!, memory: memory! };
}

describe("the need", () => {
  const memoryOf = (one: KindLoad) =>
    new Map([
      [
        one.contract.kind,
        observe(one, 1, { waitingSinceMs: null, rate: 10, arrivals: 0, backlog: 0, atMs: 0 }, 1_000),
      ],
    ]);
  const need = (one: KindLoad, total = 1) =>
    needOf([one], memoryOf(one), { targetAgeMs: 5_000, total, cores: 4 }).processes;

  test("rises with what waits and with its age, never the other way", () => {
    const jobs = fc.nat(100_000);
    const ages = fc.nat(20_000);
    fc.assert(
      fc.property(jobs, jobs, ages, ages, (waiting, more, oldestMs, older) => {
        const before = need(load({ waiting, oldestMs }));
        expect(need(load({ waiting: waiting + more, oldestMs }))).toBeGreaterThanOrEqual(before);
        expect(need(load({ waiting, oldestMs: oldestMs + older }))).toBeGreaterThanOrEqual(before);
      }),
    );
  });

  test("is what drains the backlog before its oldest job reaches the target", () => {
    const memories = new Map([
      [sleep.kind, { waitingSinceMs: 0, rate: 10, arrivals: 0, backlog: 0, atMs: 0 }],
    ]);
    const drain = (waiting: number, oldestMs: number) =>
      needOf([load({ waiting, oldestMs })], memories, { targetAgeMs: 5_000, total: 1, cores: 4 }).processes;
    expect(drain(400, 0)).toBeCloseTo(10);
    expect(drain(400, 2_000)).toBeCloseTo(20);
    expect(drain(400, 60_000)).toBeCloseTo(40);
  });

  test("does not rise beyond what the cap, a rate limit, or the cores for what is bound to them, can keep busy", () => {
    expect(need(load({ waiting: 100_000, oldestMs: 60_000, cap: 25 }))).toBe(3);
    expect(need(load({ contract: image, waiting: 100_000, oldestMs: 600_000, cap: 64 }))).toBe(2);
    expect(need(load({ waiting: 100_000, oldestMs: 60_000, meanMs: 1_000, startsPerSecond: 15 }))).toBe(2);
  });

  test("is one more than there are when jobs are late whatever the rates say", () => {
    expect(need(load({ waiting: 1, oldestMs: 6_000, perSecond: 0.1 }), 3)).toBe(4);
  });
});

describe("a decision", () => {
  const flood = (second: number, processes: number): PoolLoad => ({
    processes,
    coresPerProcess: 0.1,
    kinds: [
      load({
        waiting: 3_000,
        running: processes * 10,
        oldestMs: second * 1_000,
        perSecond: processes * 10,
        meanMs: 1_000,
      }),
    ],
  });
  const quiet = (_: number, processes: number): PoolLoad => ({
    processes,
    coresPerProcess: null,
    kinds: [load()],
  });

  test("grows a pool under load to its ceiling, tells why, and gives it up when the load is gone", () => {
    const grown = run(20, { loadAt: flood });
    expect(grown.plan.pools.high.total).toBe(16);
    expect(grown.plan.pools.high.reason).toMatch(/^3000 drill\.sleep\.high wait, .* the ceiling is 16$/);
    expect(grown.plan.decisions[0]).toMatchObject({ priority: "high", to: 16 });
    const later = run(50, { loadAt: quiet }, { ...grown, second: 20 });
    expect(later.plan.pools.high).toMatchObject({
      total: 16,
      reason: expect.stringContaining("cooling down"),
    });
    expect(run(120, { loadAt: quiet }, { ...later, second: 70 }).plan.pools.high.total).toBe(1);
  });

  test("gives a pool whose processes fill a core each no more than there are cores", () => {
    const loadAt = (second: number, processes: number) => ({
      ...flood(second, processes),
      coresPerProcess: 1,
    });
    const { plan } = run(60, { loadAt, hosts: [host("a", 4)] });
    expect(plan.pools.high.total).toBe(4);
    expect(plan.pools.high.reason).toContain("the cores are taken");
  });

  test("follows an operator whatever the load, until the pool is given back", () => {
    const wishes = { ...noWishes, high: { ...noWish, processes: 2 } };
    const manual = run(20, { loadAt: flood, wishes });
    expect(manual.plan.pools.high).toMatchObject({ total: 2, mode: "manual", reason: "set by an operator" });
    const auto = run(20, { loadAt: flood }, { ...manual, second: 20 });
    expect(auto.plan.pools.high).toMatchObject({ total: 16, mode: "auto" });
  });

  test("keeps to an operator's floor and ceiling", () => {
    const wishes = { ...noWishes, high: { ...noWish, floor: 3, ceiling: 5 } };
    expect(run(20, { loadAt: flood, wishes }).plan.pools.high.total).toBe(5);
    expect(run(200, { loadAt: quiet, wishes }).plan.pools.high.total).toBe(3);
  });

  test("leaves everything at the floors when autoscaling is off", () => {
    const policy = policyOf(loadConfig({ TRADEWIND_AUTOSCALE: "off" }));
    expect(run(20, { loadAt: flood, policy }).plan.pools.high).toMatchObject({
      total: 1,
      reason: "autoscaling is off",
    });
  });

  test("gives a vanished host's share to the others, and shares add up to the totals", () => {
    const both = run(20, { loadAt: flood, hosts: [host("a"), host("b")] });
    const one = run(1, { loadAt: flood, hosts: [host("b")] }, { ...both, second: 20 });
    for (const { plan } of [both, one]) {
      for (const priority of ["high", "normal", "low"] as const) {
        const shares = Object.values(plan.hosts).map(({ shares }) => shares[priority]);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(plan.pools[priority].total);
      }
    }
    expect(both.plan.hosts.a!.shares.high).toBe(16);
    expect(one.plan.hosts).toMatchObject({ b: { shares: { high: 16 } } });
    expect(one.plan.hosts.a).toBeUndefined();
  });

  test("of a new leader begins with the totals of before and shrinks nothing before a whole cool-down", () => {
    const grown = run(20, { loadAt: flood });
    const next = run(59, { loadAt: quiet }, { plan: grown.plan, second: 20 });
    expect(next.plan.pools.high.total).toBe(16);
    expect(run(3, { loadAt: quiet }, { ...next, second: 79 }).plan.pools.high.total).toBe(1);
  });

  test("takes jobs that are on their way to a process for no shortage, however many processes there are", () => {
    const loadAt = (_: number, processes: number): PoolLoad => ({
      processes,
      coresPerProcess: 0.1,
      kinds: [load({ waiting: 40, running: 1, oldestMs: 20, perSecond: 800, meanMs: 1 })],
    });
    const wishes = { ...noWishes, high: { ...noWish, processes: 4 } };
    const four = run(20, { loadAt, wishes });
    expect(run(100, { loadAt }, { ...four, second: 20 }).plan.pools.high.total).toBe(1);
  });

  test("changes nothing under a load that wavers around what the pool gets done", () => {
    const noisy = fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), {
      minLength: 400,
      maxLength: 400,
    });
    fc.assert(
      fc.property(noisy, noise => {
        const totals: number[] = [];
        run(400, {
          loadAt: (second, processes) => {
            totals.push(processes);
            const perSecond = 50 * noise[second - 1]!;
            return {
              processes,
              coresPerProcess: 0.3,
              kinds: [load({ running: 50, perSecond, meanMs: 1_000 })],
            };
          },
        });
        const settled = totals.slice(150);
        expect(new Set(settled).size).toBeLessThanOrEqual(2);
        expect(Math.min(...settled)).toBeGreaterThanOrEqual(5);
      }),
      { numRuns: 30 },
    );
  });
});
