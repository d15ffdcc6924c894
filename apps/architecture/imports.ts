/**
 * Who may import whom. Layers: platform → bus → commerce → search, media → workers, apps → bench; right imports left,
 * and those on one step don't import each other. A module (bus, each folder of commerce, search, media) has one door,
 * its index.ts; workers open `handler.ts` to their jobs.
 */
import { dirname, join, normalize } from "node:path";
import { isTest, type Source } from "./sources.ts";

export type Violation = { path: string; imported: string; rule: string };

const RANK: Readonly<Record<string, number>> = {
  platform: 0,
  bus: 1,
  commerce: 2,
  search: 3,
  media: 3,
  workers: 4,
  apps: 4,
  bench: 5,
};

/** Bun's own scanner leaves out what only types need; those imports count here too. */
const IMPORT =
  /(?:^|[;\n])\s*(?:import|export)\s(?:[^;"'`]*?\sfrom\s)?\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/g;

/** Relative imports of a file as paths from the root, those of types included. */
export function importsOf({ path, text }: Source): string[] {
  return [...withoutComments(text).matchAll(IMPORT)]
    .map(match => match[1] ?? match[2]!)
    .filter(specifier => specifier.startsWith("."))
    .map(specifier => normalize(join(dirname(path), specifier)));
}

export function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|[^:"'`])\/\/.*$/gm, "$1");
}

const layerOf = (path: string) => path.split("/")[0]!;

/** The folder whose index.ts is the door, or null for layers without doors. */
export function moduleOf(path: string): string | null {
  const [layer = "", second = ""] = path.split("/");
  if (layer === "commerce") return `commerce/${second}`;
  if (layer === "bus" || layer === "search" || layer === "media") return layer;
  if (layer === "platform" && path.split("/").length > 2) return `platform/${second}`;
  return null;
}

function layerRule(from: string, to: string): string | null {
  const [a, b] = [layerOf(from), layerOf(to)];
  if (a === b) return null;
  const [x, y] = [RANK[a], RANK[b]];
  if (x === undefined || y === undefined) return `${y === undefined ? b : a} is no layer`;
  if (y > x) return `${a} is left of ${b}`;
  return y === x ? `${a} and ${b} don't import each other` : null;
}

function doorRule(from: string, to: string): string | null {
  const target = moduleOf(to);
  if (target === null || target === moduleOf(from) || to === `${target}/index.ts`) return null;
  // Tests may use the helpers for tests that another module keeps.
  if (isTest(from) && isTest(to)) return null;
  return `${target} is entered by its index.ts only`;
}

function appRule(from: string, to: string): string | null {
  const [, mine] = from.split("/");
  const [layer, theirs, ...rest] = to.split("/");
  if (layer !== "apps" || layerOf(from) !== "apps" || rest.length === 0 || mine === theirs) return null;
  return rest.join("/") === "index.ts" || isTest(from)
    ? null
    : `apps/${theirs} is entered by its index.ts only`;
}

/** `exceptions`: `from → to` pairs that are allowed for a reason that stands beside them. */
export function importViolations(
  sources: readonly Source[],
  exceptions: Readonly<Record<string, string>> = {},
): Violation[] {
  return sources.flatMap(source =>
    importsOf(source)
      .filter(imported => !exceptions[`${source.path} → ${imported}`])
      .flatMap(imported =>
        [layerRule, doorRule, appRule]
          .map(rule => rule(source.path, imported))
          .filter(rule => rule !== null)
          .map(rule => ({ path: source.path, imported, rule })),
      ),
  );
}

/** A child that inherits the environment, and the path on which programs are found, are no settings of ours. */
const INHERITED = /\.\.\.process\.env\b|process\.env\.PATH\b|loadConfig\(\s*process\.env\s*\)/g;
/** An entry point hands the environment on whole; what takes it passes it to loadConfig. */
const HANDED_ON = /[(,]\s*process\.env\s*[,)]/g;
const ENTRY_POINT = /^apps\/\w+\/(main|start|test|check)\.ts$/;

/** Files that read the environment though they are neither the configuration nor a process's entry point. */
export function environmentReaders(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => path !== "platform/config.ts" && !isTest(path))
    .filter(({ path, text }) => {
      const code = withoutComments(text).replaceAll(INHERITED, "");
      const rest = ENTRY_POINT.test(path) ? code.replaceAll(HANDED_ON, "") : code;
      return /process\.env|Bun\.env|import\.meta\.env/.test(rest);
    })
    .map(({ path }) => path);
}
