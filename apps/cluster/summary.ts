import type { StackFile } from "./home.ts";

/** The table that people see when the cluster is up. */
export function summary(stack: StackFile, notes: readonly string[]): string {
  const rows: [string, string | null][] = [
    ["API", stack.api],
    ["console", `${stack.api}/console`],
    ["API docs", `${stack.api}/docs`],
    ["nodes", stack.nodes.join("  ")],
    ["publishable key", stack.keys?.publishable ?? null],
    ["secret key", stack.keys?.secret ?? null],
    ["ops key", stack.keys?.ops ?? null],
    ["data and logs", stack.home],
  ];
  const shown = rows.filter((row): row is [string, string] => row[1] !== null);
  const width = Math.max(...shown.map(([name]) => name.length));
  const table = shown.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  const remarks = notes.map(note => `  Note: ${note}.`);
  return ["", "Tradewind is up.", "", ...table, ...remarks, "", "Ctrl-C drains and stops it.", ""].join("\n");
}
