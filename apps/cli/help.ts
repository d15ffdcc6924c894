import type { Command, Option } from "./command.ts";

const PROGRAM = "tradewind";

/** Options that every command has. */
export const globalOptions: Readonly<Record<string, Option>> = {
  json: { type: "boolean", about: "print the result as JSON" },
  help: { type: "boolean", about: "print this help" },
};

const ENVIRONMENT = `Environment:
  TRADEWIND_HOME             folder of the running stack, whose stack.json tells URLs and keys (default .tradewind)
  TRADEWIND_API              URL of the API, instead of the stack's
  TRADEWIND_PUBLISHABLE_KEY  a store's publishable key (pk_…), for journey
  TRADEWIND_SECRET_KEY       a store's secret key (sk_…), for import and media
  TRADEWIND_OPS_KEY          an ops key (op_…), for status, pools, kinds, jobs and dead
  DATABASE_URL               the database, for stores, keys and migrate`;

function call({ path, args = [] }: Command): string {
  return [...path, ...args].join(" ");
}

function columns(rows: [string, string][]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}

function optionRows(options: Readonly<Record<string, Option>>): [string, string][] {
  return Object.entries(options).map(([name, { value, about }]) => [
    `--${name}${value ? ` ${value}` : ""}`,
    about,
  ]);
}

/** Help of the whole program, or of the commands that begin with the same words. */
export function groupHelp(commands: readonly Command[], words: readonly string[]): string {
  const usage = [PROGRAM, ...words, "COMMAND", "[OPTIONS]"].join(" ");
  const list = columns(commands.map(command => [call(command), command.about]));
  const rest = words.length === 0 ? `\n\n${ENVIRONMENT}` : "";
  return `Usage: ${usage}\n\nCommands:\n${list}\n\nOptions:\n${columns(optionRows(globalOptions))}${rest}\n`;
}

export function commandHelp(command: Command, below: readonly Command[]): string {
  const more = below.length > 0 ? `\n\nMore:\n${columns(below.map(one => [call(one), one.about]))}` : "";
  const options = columns(optionRows({ ...command.options, ...globalOptions }));
  return `Usage: ${PROGRAM} ${call(command)} [OPTIONS]\n\n${command.about}\n\nOptions:\n${options}${more}\n`;
}
