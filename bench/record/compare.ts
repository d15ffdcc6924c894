/**
 * What became slower between two results, beyond noise.
 *
 * A figure is worse when the ranges of its runs don't touch **and** its median moved by more than a floor: ranges of three
 * runs are narrower than the truth. Where both sides know a ratio to the limit of the same run, the ratio is compared and
 * the rate is not, because the machine's hour moves both sides of a ratio. A figure of one run has no range and gets
 * a wide floor instead. Memory is compared when both know it; a count that was exact must stay so.
 */
import type { Case, Figures, FullReport } from "../scenario.ts";
import type { Results } from "./store.ts";

type Range = readonly [low: number, high: number];
export type Metric = "ofLimit" | "perSecond" | "p99Ms" | "rssMb" | "exact";
export type Change = {
  scenario: string;
  /** `ours`, or the name of a case. */
  what: string;
  metric: Metric;
  before: number;
  after: number;
  /** After over before. */
  times: number;
  verdict: "worse" | "same" | "better";
};
export type Comparison = {
  before: string;
  after: string;
  regressions: Change[];
  changes: Change[];
  /** What keeps the two from being compared well, in words. */
  warnings: string[];
};

type Rule = {
  better: "more" | "less";
  /** Least relative move of the median that counts, with ranges and without. */
  floor: number;
  floorOfOne: number;
  /** And least absolute move. */
  least: number;
};
const rules: Readonly<Record<Exclude<Metric, "exact">, Rule>> = {
  ofLimit: { better: "more", floor: 0.07, floorOfOne: 0.25, least: 0 },
  perSecond: { better: "more", floor: 0.1, floorOfOne: 0.3, least: 0 },
  p99Ms: { better: "less", floor: 0.25, floorOfOne: 1, least: 2 },
  rssMb: { better: "less", floor: 0.15, floorOfOne: 0.15, least: 10 },
};

export function compareResults(a: Results, b: Results): Comparison {
  const changes = Object.entries(a.scenarios).flatMap(([name, before]) => {
    const after = b.scenarios[name];
    return after && comparable(before, after) ? scenarioChanges(before, after) : [];
  });
  const regressions = changes.filter(one => one.verdict === "worse");
  return { before: a.commit, after: b.commit, regressions, changes, warnings: warningsOf(a, b) };
}

/** A quick run is to see that it works; its figures are no match for a full one's. */
const comparable = (a: FullReport, b: FullReport) => a.quick === b.quick;

function warningsOf(a: Results, b: Results): string[] {
  const warnings: string[] = [];
  for (const [name, before] of Object.entries(a.scenarios)) {
    const after = b.scenarios[name];
    if (!after) warnings.push(`${name} was not measured at ${b.commit}`);
    else if (!comparable(before, after)) warnings.push(`${name}: a quick run and a full one; not compared`);
    else if (before.machine.model !== after.machine.model || before.machine.cores !== after.machine.cores)
      warnings.push(`${name}: different machines; only ratios say something`);
  }
  return warnings;
}

function scenarioChanges(before: FullReport, after: FullReport): Change[] {
  const { scenario } = before;
  const exact = before.exact && !after.exact ? [inexact(scenario)] : [];
  const sides = (one: FullReport) => ({ figures: { ...one.ours, ofLimit: one.ofLimit }, limit: one.limit });
  const ours = figureChanges(scenario, "ours", sides(before), sides(after));
  const cases = (before.cases ?? []).flatMap(one => {
    const other = (after.cases ?? []).find(two => two.name === one.name);
    if (!other) return [];
    return figureChanges(
      scenario,
      one.name,
      { figures: one, limit: before.limit },
      { figures: other, limit: after.limit },
    );
  });
  return [...exact, ...ours, ...cases];
}

const inexact = (scenario: string): Change => ({
  scenario,
  what: "ours",
  metric: "exact",
  before: 1,
  after: 0,
  times: 0,
  verdict: "worse",
});

type Side = { figures: Partial<Figures> & Pick<Case, "ofLimit">; limit: Partial<Figures> };

function figureChanges(scenario: string, what: string, a: Side, b: Side): Change[] {
  const [before, after] = [a.figures, b.figures];
  const hasRatio = before.ofLimit !== undefined && after.ofLimit !== undefined;
  const pairs = [
    hasRatio && change("ofLimit", before.ofLimit, after.ofLimit, ratioRange(a), ratioRange(b)),
    // Where there is nothing done per second, it is zero.
    !hasRatio &&
      before.perSecond !== 0 &&
      change("perSecond", before.perSecond, after.perSecond, before.perSecondRange, after.perSecondRange),
    change("p99Ms", before.p99Ms, after.p99Ms, before.p99MsRange, after.p99MsRange),
    change("rssMb", before.rssMb, after.rssMb),
  ];
  return pairs.filter(one => !!one).map(one => ({ scenario, what, ...one }));
}

/** The ratio with the ranges of both of its sides. */
function ratioRange({ figures, limit }: Side): Range | undefined {
  if (figures.ofLimit === undefined || !figures.perSecond || !figures.perSecondRange) return undefined;
  const [low, high] = figures.perSecondRange.map(one => one / figures.perSecond!) as [number, number];
  const [slow, fast] = (limit.perSecondRange ?? [1, 1]).map(one =>
    limit.perSecond && limit.perSecondRange ? one / limit.perSecond : 1,
  ) as [number, number];
  return [(figures.ofLimit * low) / fast, (figures.ofLimit * high) / slow];
}

const isWide = (range: Range | undefined): range is Range => range !== undefined && range[1] > range[0];

function change(
  metric: Exclude<Metric, "exact">,
  before: number | undefined,
  after: number | undefined,
  beforeRange?: Range,
  afterRange?: Range,
): Omit<Change, "scenario" | "what"> | undefined {
  if (before === undefined || after === undefined || before === 0) return undefined;
  const rule = rules[metric];
  const hasRanges = isWide(beforeRange) && isWide(afterRange);
  const floor = hasRanges ? rule.floor : rule.floorOfOne;
  const times = after / before;
  // As a factor, so that to halve and to double are moves of one size.
  const moved = Math.max(times, 1 / times) - 1 > floor && Math.abs(after - before) > rule.least;
  const apart = !hasRanges || beforeRange[0] > afterRange[1] || beforeRange[1] < afterRange[0];
  const isBetter = rule.better === "more" ? after > before : after < before;
  const verdict = moved && apart ? (isBetter ? "better" : "worse") : "same";
  return { metric, before, after, times, verdict };
}

export function showComparison({ before, after, changes, regressions, warnings }: Comparison): string {
  const line = (one: Change) =>
    `  ${one.verdict.padEnd(6)}  ${one.scenario}, ${one.what}: ${one.metric} ${one.before} → ${one.after}${
      one.times > 0 ? ` (× ${one.times.toFixed(2)})` : ""
    }`;
  const moved = changes.filter(one => one.verdict !== "same");
  return [
    `${before} → ${after}: ${changes.length} figures compared`,
    ...warnings.map(one => `  note    ${one}`),
    ...moved.map(line),
    `  ${regressions.length} beyond noise for the worse, ${moved.length - regressions.length} for the better`,
  ].join("\n");
}
