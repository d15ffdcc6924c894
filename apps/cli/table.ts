/** Tables and small values for people. */
type Cell = string | number | boolean | null | undefined;

const RIGHT = /^-?[\d.,]+(?: (?:ms|s|MB))?$/;

/** Columns as wide as their widest cell, numbers to the right; empty text for no rows unless `empty` says otherwise. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[], empty = ""): string {
  if (rows.length === 0) return empty;
  const cells = rows.map(row => row.map(cell => show(cell)));
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map(row => (row[i] ?? "").length)));
  const right = head.map((_, i) => cells.every(row => row[i] === "" || RIGHT.test(row[i] ?? "")));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [line(head), ...cells.map(line)].join("\n");
}

function show(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell === "boolean") return cell ? "yes" : "no";
  if (typeof cell === "number") return Number.isInteger(cell) ? String(cell) : cell.toFixed(1);
  // A tab or line break in a value would break the table.
  return cell.replaceAll(/\s+/g, " ");
}

/** `name  value`, one a line. */
export function fields(pairs: readonly (readonly [string, Cell])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${show(value)}`.trimEnd()).join("\n");
}

export function cut(text: string, length: number): string {
  const one = text.replaceAll(/\s+/g, " ");
  return one.length > length ? `${one.slice(0, length - 1)}…` : one;
}

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "";
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}

export function bytes(n: number): string {
  if (n < 1_000_000) return `${Math.ceil(n / 1_000)} kB`;
  return n < 1_000_000_000 ? `${(n / 1_000_000).toFixed(1)} MB` : `${(n / 1_000_000_000).toFixed(2)} GB`;
}
