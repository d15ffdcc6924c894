/**
 * What was measured at a commit, one file a commit: `bench/results/<commit>.json`. A run replaces its scenario's earlier one,
 * except that a quick run leaves a full one alone.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import type { FullReport } from "../scenario.ts";

export const resultsDir = resolve(import.meta.dir, "..", "results");

export type Results = { commit: string; scenarios: Record<string, FullReport> };

export class NoResults extends Error {
  override name = "NoResults";
}

/** With `-dirty` where the files differ from the commit's, so that no result is taken for a commit's that is not. */
export function currentCommit(): string {
  const git = (...args: string[]) => Bun.spawnSync(["git", ...args], { cwd: import.meta.dir });
  const head = git("rev-parse", "--short", "HEAD");
  if (head.exitCode !== 0) return "unknown";
  const changed = git("status", "--porcelain", "--untracked-files=no").stdout.toString().trim() !== "";
  return head.stdout.toString().trim() + (changed ? "-dirty" : "");
}

export const fileOf = (commit: string, dir = resultsDir) => join(dir, `${commit}.json`);

/** Returns what stands in the file now. */
export function keep(report: FullReport, dir = resultsDir): Results {
  const file = fileOf(report.commit, dir);
  const results = existsSync(file) ? parse(file) : { commit: report.commit, scenarios: {} };
  const before = results.scenarios[report.scenario];
  if (!before || before.quick || !report.quick) results.scenarios[report.scenario] = report;
  mkdirSync(dir, { recursive: true });
  writeFileSync(`${file}.tmp`, `${JSON.stringify(results, null, 1)}\n`);
  renameSync(`${file}.tmp`, file);
  return results;
}

/** `name`: a commit (or the beginning of one), `baseline`, or a file. @throws NoResults */
export function load(name: string, dir = resultsDir): Results {
  if (name.endsWith(".json") && existsSync(name)) return parse(name);
  const found = names(dir).filter(one => one === name);
  const similar = found.length > 0 ? found : names(dir).filter(one => one.startsWith(name));
  if (similar.length === 1) return parse(fileOf(similar[0]!, dir));
  const what = similar.length > 1 ? `several results begin with ${name}` : `there are no results of ${name}`;
  throw new NoResults(`${what}; there are ${names(dir).join(", ") || "none"} in ${dir}`);
}

/** Those that git keeps, else the last ones. @throws NoResults */
export function baseline(dir = resultsDir): Results {
  return existsSync(fileOf("baseline", dir)) ? load("baseline", dir) : latest(dir);
}

/** The results that were written last. @throws NoResults */
export function latest(dir = resultsDir): Results {
  const byTime = names(dir).toSorted((a, b) => timeOf(a, dir) - timeOf(b, dir));
  const last = byTime.at(-1);
  if (!last) throw new NoResults(`there are no results in ${dir}; run \`bun run bench all\``);
  return parse(fileOf(last, dir));
}

const timeOf = (name: string, dir: string) => statSync(fileOf(name, dir)).mtimeMs;

function names(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .filter(file => file.endsWith(".json"))
    .map(file => basename(file, ".json"))
    .toSorted();
}

function parse(file: string): Results {
  try {
    const results = JSON.parse(readFileSync(file, "utf8")) as Results;
    if (results.scenarios) return results;
  } catch {
    // Told below.
  }
  throw new NoResults(`${file} holds no results of the bench`);
}
