import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Case, Figures, FullReport } from "../scenario.ts";
import { chartPage } from "./chart.ts";
import { compareResults, showComparison } from "./compare.ts";
import { keep, latest, load, type Results } from "./store.ts";

type Parts = Partial<FullReport> & { rate?: number; range?: [number, number]; limitRate?: number };

function report({ rate = 100, range, limitRate = 200, ...more }: Parts = {}): FullReport {
  return {
    scenario: "jobs",
    commit: "aaaaaaa",
    machine: { cores: 2, model: "some" },
    at: "2026-01-01T00:00:00Z",
    quick: false,
    runs: 3,
    exact: true,
    ours: { perSecond: rate, perSecondRange: range ?? [rate * 0.97, rate * 1.03] },
    limit: {
      name: "bare",
      perSecond: limitRate,
      perSecondRange: [limitRate * 0.99, limitRate * 1.01] as const,
    },
    ofLimit: rate / limitRate,
    ...more,
  };
}

const results = (...reports: FullReport[]): Results => ({
  commit: reports[0]!.commit,
  scenarios: Object.fromEntries(reports.map(one => [one.scenario, one])),
});
const compare = (a: Parts, b: Parts) => compareResults(results(report(a)), results(report(b)));
const worse = (a: Parts, b: Parts) =>
  compare(a, b).regressions.map(one => `${one.what} ${one.metric}`.replace("ours ", ""));

describe("comparing", () => {
  test("finds a ratio that fell beyond the ranges of the runs, and calls a rise better", () => {
    expect(worse({ rate: 100 }, { rate: 80 })).toEqual(["ofLimit"]);
    expect(compare({ rate: 80 }, { rate: 100 }).changes[0]!.verdict).toBe("better");
    expect(showComparison(compare({ rate: 100 }, { rate: 80 }))).toContain("1 beyond noise for the worse");
  });

  test("takes a fall within the ranges, and one of a few percent, for noise", () => {
    expect(worse({ rate: 100, range: [70, 110] }, { rate: 80, range: [75, 100] })).toEqual([]);
    expect(worse({ rate: 100, range: [99.9, 100.1] }, { rate: 96, range: [95.9, 96.1] })).toEqual([]);
  });

  test("asks the ratio and not the rate: a slower machine is no regression", () => {
    expect(worse({ rate: 100, limitRate: 200 }, { rate: 50, limitRate: 100 })).toEqual([]);
    expect(worse({ rate: 100, limitRate: 100 }, { rate: 110, limitRate: 200 })).toEqual(["ofLimit"]);
  });

  test("judges a figure of one run by a wide floor", () => {
    const one = (perSecond: number): Parts => ({ cases: [{ name: "alone", perSecond }] });
    expect(worse(one(100), one(80))).toEqual([]);
    expect(worse(one(100), one(60))).toEqual(["alone perSecond"]);
  });

  test("looks at latency, memory and exactness as well", () => {
    const of = (figures: Partial<Figures>): Parts => ({ cases: [{ name: "c", ...figures } as Case] });
    expect(worse(of({ p99Ms: 10 }), of({ p99Ms: 19 }))).toEqual([]);
    expect(worse(of({ p99Ms: 10 }), of({ p99Ms: 21 }))).toEqual(["c p99Ms"]);
    expect(worse(of({ p99Ms: 10, p99MsRange: [9, 11] }), of({ p99Ms: 14, p99MsRange: [13, 15] }))).toEqual([
      "c p99Ms",
    ]);
    expect(worse(of({ p99Ms: 0.5 }), of({ p99Ms: 1.5 }))).toEqual([]);
    expect(worse(of({ rssMb: 100 }), of({ rssMb: 130 }))).toEqual(["c rssMb"]);
    expect(worse({ exact: true }, { exact: false })).toEqual(["exact"]);
  });

  test("warns of what can't be compared, and leaves it", () => {
    const { changes, warnings } = compare({ quick: true }, { rate: 10 });
    expect([changes, warnings]).toEqual([[], ["jobs: a quick run and a full one; not compared"]]);
    expect(compare({}, { machine: { cores: 8, model: "other" } }).warnings.join()).toContain("machines");
    expect(
      compareResults(results(report()), results(report({ scenario: "other", commit: "b" }))).warnings,
    ).toEqual(["jobs was not measured at b"]);
  });
});

describe("results", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "bench-results-"));
  });
  afterEach(() => rm(dir, { recursive: true }));

  test("are merged by scenario, and a quick run leaves a full one alone", () => {
    keep(report({ rate: 1, quick: true }), dir);
    keep(report({ rate: 2 }), dir);
    keep(report({ scenario: "flash" }), dir);
    keep(report({ rate: 3, quick: true }), dir);
    const kept = load("aaaa", dir);
    expect(Object.keys(kept.scenarios).toSorted()).toEqual(["flash", "jobs"]);
    expect(kept.scenarios.jobs!.ours.perSecond).toBe(2);
    expect(latest(dir)).toEqual(kept);
  });

  test("are named by the beginning of a commit that only one has", async () => {
    expect(() => latest(dir)).toThrow("bench all");
    keep(report({ commit: "abc1" }), dir);
    keep(report({ commit: "abc2" }), dir);
    keep(report({ commit: "abc" }), dir);
    expect(load("abc", dir).commit).toBe("abc");
    expect(() => load("ab", dir)).toThrow("several");
    expect(() => load("x", dir)).toThrow("abc1, abc2");
    await Bun.write(join(dir, "x.json"), "[]");
    expect(() => load("x", dir)).toThrow("no results of the bench");
  });
});

describe("the chart page", () => {
  test("shows every scenario with its bars, cases and lines, and no name becomes markup", () => {
    const page = chartPage(
      results(
        report({
          cases: [
            { name: "with <script>alert(1)</script>", perSecond: 5, ok: false, target: "at least 6 & more" },
          ],
          peers: [{ name: "bullmq", version: "1", perSecond: 50, ratio: 2 }],
          series: [
            {
              name: "api-1",
              unit: "MB",
              points: [
                [0, 1],
                [1, 2],
              ],
            },
          ],
        }),
      ),
    );
    expect(page).toContain("<svg");
    expect(page).toContain("polyline");
    expect(page).toContain("bullmq 1");
    expect(page).toContain("at least 6 &amp; more");
    expect(page).not.toContain("<script");
    expect(page).not.toContain("NaN");
  });
});
