/** The cells of one row as values; what is wrong with them is collected and named. */
import { type Column, type Header, nameOf } from "./header.ts";
import type { RowError } from "./model.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

export class Cells {
  readonly errors: RowError[] = [];
  constructor(
    readonly row: number,
    private readonly header: Header,
    private readonly cells: readonly string[],
  ) {}

  /** Trimmed, without control characters; empty for a column that the file has not. */
  raw(column: Column): string {
    const index = this.header.at.get(column);
    return index === undefined ? "" : (this.cells[index] ?? "").replace(control, "").trim();
  }

  has(column: Column): boolean {
    return this.raw(column) !== "";
  }

  /** Undefined when the file has no such column: the catalog then keeps what it has. */
  inFile<T>(column: Column, value: () => T): T | undefined {
    return this.header.at.has(column) ? value() : undefined;
  }

  fail(column: Column, message: string): void {
    this.errors.push({ row: this.row, column: nameOf(column), message });
  }

  /** On one line, at most `max` characters. */
  line(column: Column, max: number): string {
    const value = this.raw(column).replace(/\s+/g, " ");
    if (value.length > max) this.fail(column, `is longer than ${max} characters`);
    return value;
  }

  flag(column: Column, fallback: boolean): boolean {
    const value = this.raw(column).toLowerCase();
    if (value === "") return fallback;
    if (value === "true" || value === "yes" || value === "1") return true;
    if (value === "false" || value === "no" || value === "0") return false;
    this.fail(column, "must be true or false");
    return fallback;
  }

  choice<T extends string>(column: Column, choices: readonly T[]): T | undefined {
    const value = this.raw(column).toLowerCase();
    if (value === "") return undefined;
    const found = choices.find(choice => choice === value);
    if (!found) this.fail(column, `must be one of ${choices.join(", ")}`);
    return found;
  }

  /** A whole number from 0 to `max`; shops write grams as `400.0` too. */
  count(column: Column, max: number): number | undefined {
    const value = this.raw(column);
    if (value === "") return undefined;
    const match = /^(\d{1,12})(?:\.0*)?$/.exec(value);
    const count = match ? Number(match[1]) : Number.NaN;
    if (count <= max) return count;
    this.fail(column, `must be a whole number from 0 to ${max}`);
    return undefined;
  }
}
