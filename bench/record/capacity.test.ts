import { describe, expect, test } from "bun:test";
import type { FullReport } from "../scenario.ts";
import { type Measures, measuresOf, planFor, showPlan } from "./capacity.ts";
import { load } from "./store.ts";

const measures: Measures = {
  checkout: { perSecond: 4_000, cores: 2, ms: 8, source: "checkout" },
  order: { perSecond: 1_000, cores: 2, source: "order" },
  read: { perSecond: 30_000, cores: 1, ms: 1, source: "read" },
};

describe("a plan", () => {
  test("is the utilisation law, Little's law and head room", () => {
    const plan = planFor(measures, { ordersPerMinute: 30_000, rps: 10_000 });
    // 500 orders a second: 500 · 2/4000 cores at the checkout, 500 · (2/1000 − 2/4000) for jobs; 10,000/30,000 for reads.
    expect(plan.busy).toEqual({ reads: 0.33, checkouts: 0.25, jobs: 0.75 });
    expect(plan.cores).toBe(Math.ceil((1 / 3 + 0.25 + 0.75) / 0.6));
    // (10,000/30,000 + 500/4,000) / 0.6 is less than a node; one is spare.
    expect(plan.apiNodes).toBe(2);
    // 500 a second for 8 ms and 10,000 a second for 1 ms.
    expect(plan.inFlight).toBe(14);
    expect(plan.databaseConnections).toBe(Math.ceil(4 / 0.6));
    expect(plan.workerProcesses).toBe(3);
  });

  test("grows with the load, and is never less than one machine", () => {
    const small = planFor(measures, { ordersPerMinute: 0, rps: 1 });
    expect([small.cores, small.apiNodes, small.workerProcesses]).toEqual([1, 2, 3]);
    const large = planFor(measures, { ordersPerMinute: 300_000, rps: 300_000 });
    expect(large.cores).toBe(Math.ceil((10 + 2.5 + 7.5) / 0.6));
    expect(large.apiNodes).toBe(Math.ceil((10 + 1.25) / 0.6) + 1);
    expect(large.workerProcesses).toBe(13);
  });
});

describe("measures", () => {
  const report = (scenario: string, cases: FullReport["cases"], perSecond = 100): FullReport => ({
    scenario,
    commit: "abc",
    machine: { cores: 2, model: "some" },
    at: "",
    quick: false,
    runs: 1,
    exact: true,
    ours: { perSecond, p50Ms: 1 },
    limit: { name: "", perSecond: 1 },
    ofLimit: 1,
    cases: cases!,
  });
  const checkout = report("checkout", [
    { name: "32 clients, pools paused", perSecond: 4_000, p50Ms: 8 },
    { name: "32 clients, pools live until every queue is empty", perSecond: 900 },
  ]);

  test("are read from results, the cached product before the repeated search", () => {
    const search = report("search", [{ name: "32 clients, 100 queries again and again", perSecond: 20_000 }]);
    const of = (...reports: FullReport[]) =>
      measuresOf({ commit: "abc", scenarios: Object.fromEntries(reports.map(one => [one.scenario, one])) });
    expect(of(checkout, search).read).toMatchObject({ perSecond: 20_000, cores: 1 });
    expect(of(checkout, search, report("read", [], 31_000)).read.perSecond).toBe(31_000);
    expect(showPlan(planFor(of(checkout, search), { ordersPerMinute: 60, rps: 1 }))).toContain(
      "bun run bench checkout",
    );
    expect(of(checkout, search).order).toMatchObject({ perSecond: 900, cores: 2 });
    expect(() => of(search)).toThrow("bench checkout");
    expect(() => of(checkout)).toThrow("bench read");
  });

  test("of the kept baseline make a plan", () => {
    const plan = planFor(measuresOf(load("baseline")), { ordersPerMinute: 300, rps: 1_000 });
    expect([plan.cores, plan.apiNodes].every(one => one > 0)).toBe(true);
    expect(plan.sources.filter(source => source.includes("quick"))).toEqual([]);
  });
});
