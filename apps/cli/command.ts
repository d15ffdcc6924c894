/** What a command is. All commands are listed in commands/index.ts; main.ts finds one, parses its options, runs it. */
import type { Config } from "../../platform/config.ts";
import type { Api } from "./api.ts";
import type { Io } from "./io.ts";
import type { Stack } from "./stack.ts";

export type Option = {
  type: "string" | "boolean";
  about: string;
  /** Placeholder of the value in the help. */
  value?: string;
};

export type Context = {
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly json: boolean;
  readonly io: Io;
  readonly config: Config;
  readonly stack: Stack;
  readonly api: Api;
};

/** `json` is printed with --json, `text` without; the exit code is 0 unless said otherwise. */
export type Result = { json: unknown; text: string; exitCode?: number };

export type Command = {
  /** The words that call it: `["dead", "show"]`. */
  path: readonly string[];
  /** Placeholders of its arguments, such as `ID` or `[FILE…]`; one that ends in `…` takes many. */
  args?: readonly string[];
  about: string;
  options?: Readonly<Record<string, Option>>;
  run(context: Context): Promise<Result>;
};

/** A failure that is told in one line: exit code 1. */
export class CliError extends Error {
  override name = "CliError";
  constructor(
    message: string,
    readonly code = "failed",
    /** Of the answer that refused; 0: there was none. */
    readonly status = 0,
  ) {
    super(message);
  }
}

/** The command was called in a way it doesn't know: exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

export function textOption({ options }: Context, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}

/** @throws UsageError when the option is no whole number in the bounds. */
export function integerOption(context: Context, name: string, min: number, max: number): number | undefined {
  const value = textOption(context, name);
  return value === undefined ? undefined : wholeNumber(value, `--${name}`, min, max);
}

export function wholeNumber(text: string, name: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`${name} must be a whole number from ${min} to ${max}`);
  }
  return value;
}
