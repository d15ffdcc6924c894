/**
 * The table of settings in operations.md, made from platform/config.ts. `bun docs/settings.ts` writes it; a test
 * (docs.test.ts) fails when the two differ.
 */
import { join } from "node:path";
import { settings } from "../platform/config.ts";

export const operations = join(import.meta.dir, "operations.md");

const BEGIN = "<!-- settings: written by bun docs/settings.ts -->";
const END = "<!-- end of settings -->";

type Row = { env: string; about: string; fallback: unknown; internal?: boolean };

function shown(fallback: unknown): string {
  if (fallback === undefined || String(fallback) === "") return "";
  if (typeof fallback === "boolean") return fallback ? "`on`" : "`off`";
  return `\`${fallback}\``;
}

/** Padded as the formatter would. */
export function settingsTable(): string {
  const rows = (Object.values(settings) as Row[])
    .filter(({ internal }) => !internal)
    .map(({ env, about, fallback }) => [`\`${env}\``, shown(fallback), about]);
  const all = [["variable", "default", "what it is"], ...rows];
  const widths = [0, 1, 2].map(column => Math.max(...all.map(row => row[column]!.length)));
  const line = (row: string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const rule = `| ${widths.map(width => "-".repeat(width)).join(" | ")} |`;
  const [head, ...body] = all.map(line);
  return [head, rule, ...body].join("\n");
}

/** The page with its table as it should be. */
export function withSettings(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error("operations.md has lost the marks around its table of settings");
  return `${before}${BEGIN}\n${settingsTable()}\n${END}${after}`;
}

if (import.meta.main) await Bun.write(operations, withSettings(await Bun.file(operations).text()));
