/**
 * The table in operations.md of what degrades, made from apps/api/degrade.ts. `bun docs/degrade.ts` writes it; a test
 * (docs.test.ts) fails when the two differ.
 */
import { type Answer, type Group, groups, situations } from "../apps/api/degrade.ts";
import { operations } from "./settings.ts";

const BEGIN = "<!-- degrade: written by bun docs/degrade.ts -->";
const END = "<!-- end of degrade -->";

/** Padded as the formatter would. */
export function degradeTable(): string {
  const words: Partial<Record<Answer, string>> = { kept: "from the cache", direct: "past the queue" };
  const shown = (answer: Answer) => words[answer] ?? String(answer);
  const keys = Object.keys(groups) as Group[];
  const rows = [
    ["away", "how", ...Object.values(groups)],
    ...Object.values(situations).map(({ away, how, answers }) => [
      away,
      how,
      ...keys.map(key => shown(answers[key])),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  const line = (row: string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  const [head, ...body] = rows.map(line);
  return [head, `| ${widths.map(width => "-".repeat(width)).join(" | ")} |`, ...body].join("\n");
}

/** The page with its table as it should be. */
export function withDegrade(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined)
    throw new Error("operations.md has lost the marks around its table of what degrades");
  return `${before}${BEGIN}\n\n${degradeTable()}\n\n${END}${after}`;
}

if (import.meta.main) await Bun.write(operations, withDegrade(await Bun.file(operations).text()));
