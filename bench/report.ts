/** A report as a person reads it. */
import type { Case, Figures, FullReport } from "./scenario.ts";

const count = (value: number) => value.toLocaleString("en");

function figures(one: Partial<Figures>): string {
  const parts: string[] = [];
  if (one.perSecond) parts.push(`${count(one.perSecond)}/s`);
  if (one.perSecondRange && one.perSecondRange[0] !== one.perSecondRange[1])
    parts.push(`(${one.perSecondRange.map(count).join("–")})`);
  const latencies = [["p50", one.p50Ms] as const, ["p95", one.p95Ms] as const, ["p99", one.p99Ms] as const];
  const known = latencies.filter(([, ms]) => ms !== undefined).map(([name, ms]) => `${name} ${ms}`);
  if (known.length > 0) parts.push(`${known.join(" ")} ms`);
  if (one.rssMb !== undefined) parts.push(`${one.rssMb} MB`);
  if (one.by) parts.push(`by ${one.by}`);
  return parts.join(" ");
}

function caseLine(one: Case): string {
  const ratio = one.ofLimit === undefined ? "" : ` = ${one.ofLimit} of the limit`;
  const target = one.target ? `  [${one.ok ? "ok" : "MISSED"}: ${one.target}]` : "";
  return `  ${one.name}: ${figures(one)}${ratio}${target}`;
}

export function show(report: FullReport): string {
  const { machine } = report;
  return [
    `${report.scenario} at ${report.commit}, ${machine.cores} × ${machine.model}, ${report.runs} run(s)`,
    `  ours: ${figures(report.ours)} = ${report.ofLimit} of the limit`,
    `  limit: ${figures(report.limit)} (${report.limit.name})`,
    ...(report.peers ?? []).map(
      one => `  ${one.name} ${one.version}: ${count(one.perSecond)}/s, ours is ${one.ratio} times that`,
    ),
    ...(report.cases ?? []).map(caseLine),
    ...(report.notes ?? []).map(note => `  ${note}`),
    `  counted at the end: ${report.exact ? "exact" : "NOT EXACT"}`,
  ].join("\n");
}
