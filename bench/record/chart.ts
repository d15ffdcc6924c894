/**
 * A page of what was measured: static HTML with the drawings inside, light or dark as the reader's system is, readable on a
 * phone. Widths are shares of the page, so that texts keep their size on every screen.
 */
import type { Case, Figures, FullReport, Series } from "../scenario.ts";
import { escapeHtml, style } from "./page.ts";
import type { Results } from "./store.ts";

export function chartPage(results: Results): string {
  const reports = Object.values(results.scenarios);
  const machine = reports[0]?.machine;
  const where = machine ? `${machine.cores} × ${escapeHtml(machine.model)}` : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Tradewind bench at ${escapeHtml(results.commit)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>Tradewind, measured</h1>
<p>Commit <code>${escapeHtml(results.commit)}</code>, ${where}. Each figure is the median of its runs, thin lines show their range. Ours, the limit and the peers were measured in one run on one machine.</p>
</header>
<main>
${overview(reports)}
${reports.map(section).join("\n")}
</main>
</body>
</html>
`;
}

/** The scenarios that are a share of a limit, side by side. */
function overview(reports: readonly FullReport[]): string {
  const rows = reports
    .filter(one => one.ours.perSecond > 0)
    .map(one => ({
      label: one.scenario,
      value: one.ofLimit,
      text: `${one.ofLimit} of the limit`,
      tone: "ours",
    }));
  return `<section><h2>Of the limit</h2>
<p>The limit is the least that anyone has to do for the same result: the bare client, the bare server, the one statement.</p>
${bars(rows, Math.max(1, ...rows.map(one => one.value)))}</section>`;
}

function section(report: FullReport): string {
  const notes = (report.notes ?? []).map(note => `<p class="note">${escapeHtml(note)}</p>`).join("");
  return `<section id="${escapeHtml(report.scenario)}"><h2>${escapeHtml(report.scenario)}</h2>
<p>${report.runs} run${report.runs === 1 ? "" : "s"}${report.quick ? ", quick: to see that it works, not to quote" : ""}; counted at the end: <strong class="${report.exact ? "ok" : "missed"}">${report.exact ? "exact" : "not exact"}</strong></p>
${report.ours.perSecond > 0 ? rates(report) : ""}
${(report.series ?? []).map(line).join("")}
${cases(report.cases ?? [])}${notes}</section>`;
}

type Bar = { label: string; value: number; text: string; tone: string; range?: readonly [number, number] };

function rates({ ours, limit, peers = [] }: FullReport): string {
  const bar = (label: string, tone: string, one: Figures): Bar => ({
    label,
    tone,
    value: one.perSecond,
    text: `${number(one.perSecond)}/s${one.p99Ms === undefined ? "" : `, p99 ${one.p99Ms} ms`}`,
    ...(one.perSecondRange && { range: one.perSecondRange }),
  });
  const rows = [
    bar("ours", "ours", ours),
    bar("limit", "limit", limit),
    ...peers.map(one => bar(`${one.name} ${one.version}`, "peer", one)),
  ].filter(one => one.value > 0);
  const drawn = bars(rows, Math.max(...rows.map(one => one.range?.[1] ?? one.value)));
  return `${drawn}<p class="note">Limit: ${escapeHtml(limit.name)}</p>`;
}

const ROW = 44;

function bars(rows: readonly Bar[], most: number): string {
  const share = (value: number) => `${Math.min(100, (value / most) * 100).toFixed(2)}%`;
  const drawn = rows.map(({ label, value, text, tone, range }, i) => {
    const y = i * ROW;
    const whisker = range
      ? `<line class="range" x1="${share(range[0])}" x2="${share(range[1])}" y1="${y + 29}" y2="${y + 29}"/>`
      : "";
    return `<g><title>${escapeHtml(`${label}: ${text}`)}</title>
<text x="0" y="${y + 15}">${escapeHtml(shortened(label))}</text><text class="value" x="100%" y="${y + 15}" text-anchor="end">${escapeHtml(text)}</text>
<rect class="track" x="0" y="${y + 22}" width="100%" height="14" rx="3"/><rect class="${tone}" x="0" y="${y + 22}" width="${share(value)}" height="14" rx="3"/>${whisker}</g>`;
  });
  return `<svg role="img" aria-label="Bars: ${escapeHtml(rows.map(one => `${one.label} ${one.text}`).join("; "))}" width="100%" height="${rows.length * ROW}">${drawn.join("\n")}</svg>`;
}

/** What fits beside a value on a phone; the whole name stands in the title of the bar. */
const MAX_LABEL = 26;
const shortened = (label: string) =>
  label.length > MAX_LABEL ? `${label.slice(0, MAX_LABEL - 1).trimEnd()}…` : label;

/** A line over time from zero, so that growth is seen as large as it is. */
function line({ name, unit, points }: Series): string {
  if (points.length < 2) return "";
  const lastX = points.at(-1)![0] || 1;
  const most = Math.max(...points.map(([, y]) => y)) || 1;
  const path = points.map(
    ([x, y]) => `${((x / lastX) * 100).toFixed(2)},${(40 - (y / most) * 38).toFixed(2)}`,
  );
  const [first, last] = [points[0]![1], points.at(-1)![1]];
  return `<figure><figcaption>${escapeHtml(name)} <span class="value">${number(first)} → ${number(last)} ${escapeHtml(unit)}</span></figcaption>
<svg class="line" role="img" width="100%" height="48" viewBox="0 0 100 40" preserveAspectRatio="none"><title>${escapeHtml(name)} over ${number(Math.round(lastX))} s</title><polyline points="${path.join(" ")}"/></svg></figure>`;
}

function cases(all: readonly Case[]): string {
  if (all.length === 0) return "";
  return `<ul class="cases">${all.map(one => `<li>${caseText(one)}</li>`).join("")}</ul>`;
}

function caseText(one: Case): string {
  const figures = [
    one.perSecond ? `${number(one.perSecond)}/s` : "",
    one.p50Ms === undefined ? "" : `p50 ${one.p50Ms}, p99 ${one.p99Ms} ms`,
    one.rssMb === undefined ? "" : `${number(one.rssMb)} MB`,
    one.ofLimit === undefined ? "" : `${one.ofLimit} of the limit`,
  ].filter(Boolean);
  const word = one.ok ? "met" : "missed";
  const verdict = one.target
    ? `<span class="${one.ok ? "ok" : "missed"}">${word}</span> <span class="target">${escapeHtml(one.target)}</span>`
    : "";
  return `<strong>${escapeHtml(one.name)}</strong><span class="value">${figures.join(" · ")}</span>${verdict}`;
}

const number = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 1 });
