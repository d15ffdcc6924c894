/** What a run found, for people and as one line of JSON. */
import type { Count, Finding } from "./count/index.ts";
import type { Happened } from "./faults/index.ts";
import type { Journal } from "./journal.ts";

export type Report = {
  readonly seed: number;
  readonly seconds: number;
  readonly accepted: number;
  readonly done: number;
  readonly unanswered: number;
  readonly lost: number;
  readonly twice: number;
  readonly oversold: number;
  readonly duplicateMails: number;
  readonly leftovers: number;
  readonly kills: readonly Happened[];
  /** Faults that kill nothing: stops, full disks, cut connections. */
  readonly disturbances: readonly Happened[];
  /** Slower than what is promised: 5 s for our processes, 15 s for servers. */
  readonly slow: readonly string[];
  readonly leftOut: readonly string[];
  readonly problems: readonly string[];
};

const SERVERS = /^(nats|redis|meilisearch|postgres)( |$)/;
const PROMISED_MS = { ours: 5_000, servers: 15_000 };
const SHOWN_TIMELINES = 5;

export function reportOf(parts: {
  seed: number;
  seconds: number;
  count: Count;
  kills: Happened[];
  disturbances: Happened[];
  leftOut: readonly string[];
  journal: Journal;
}): Report {
  const { count, kills, journal } = parts;
  const of = (kind: Finding["kind"]) => count.findings.filter(finding => finding.kind === kind);
  return {
    seed: parts.seed,
    seconds: parts.seconds,
    accepted: count.accepted,
    done: count.done,
    unanswered: journal.items.filter(item => item.gaveUp).length,
    lost: of("lost").length,
    twice: of("twice").length,
    oversold: of("oversold").reduce((sum, { units = 0 }) => sum + units, 0),
    duplicateMails: count.duplicateMails,
    leftovers: of("left").length,
    kills,
    disturbances: parts.disturbances,
    slow: kills.filter(isSlow).map(({ target, recoveredMs }) => `${target}: ${recoveredMs} ms`),
    leftOut: parts.leftOut,
    problems: count.findings.map(({ kind, what }) => `${kind}: ${what}`),
  };
}

function isSlow({ target, recoveredMs }: Happened): boolean {
  return recoveredMs > (SERVERS.test(target) ? PROMISED_MS.servers : PROMISED_MS.ours);
}

export const isClean = (report: Report): boolean => report.problems.length === 0;

export function timelines(findings: readonly Finding[], journal: Journal): string {
  const told = findings.filter(({ item }) => item).slice(0, SHOWN_TIMELINES);
  return told.map(({ what, item }) => [`\n${what}`, ...journal.timeline(item!)].join("\n")).join("\n");
}

export function show(report: Report): string {
  const kills = Object.entries(Object.groupBy(report.kills, ({ target }) => target)).map(
    ([target, all = []]) => {
      const times = all.map(({ recoveredMs }) => recoveredMs);
      return `  ${target.padEnd(16)} ${String(all.length).padStart(3)} ×   ${times.join(", ")} ms`;
    },
  );
  const happened = [...report.kills, ...report.disturbances];
  const most = (gap: "doneMs" | "acceptedMs") => Math.max(0, ...happened.map(one => one[gap]));
  return [
    `seed ${report.seed}: ${report.accepted} accepted, ${report.done} done, ${report.unanswered} never answered`,
    `lost ${report.lost}, twice ${report.twice}, oversold ${report.oversold}, left over ${report.leftovers}, second copies of mails ${report.duplicateMails}`,
    `${report.kills.length} kills, back at the full rate after`,
    ...kills,
    ...report.disturbances.map(
      ({ target, recoveredMs, doneMs }) => `  ${target}: ${recoveredMs} ms (nothing done for ${doneMs} ms)`,
    ),
    `for this long nothing was done (accepted) at the most: ${most("doneMs")} ms (${most("acceptedMs")} ms)`,
    ...report.slow.map(one => `slower than promised: ${one}`),
    ...report.leftOut.map(one => `left out: ${one}`),
    ...report.problems.slice(0, 40),
    isClean(report)
      ? "clean"
      : `NOT CLEAN; the same again: bun run crash-test --seed ${report.seed} --seconds ${report.seconds}`,
  ].join("\n");
}
