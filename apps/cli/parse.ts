/** From the words of a line to a command with its arguments and options. */
import { parseArgs } from "node:util";
import { type Command, UsageError } from "./command.ts";

/** The longest command whose words the line begins with. */
export function find(commands: readonly Command[], words: readonly string[]): Command | undefined {
  const fits = commands.filter(command => command.path.every((word, i) => words[i] === word));
  return fits.sort((a, b) => b.path.length - a.path.length)[0];
}

/** @throws UsageError */
export function parse(command: Command, argv: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(command.options ?? {}).map(([name, { type }]) => [name, { type }]),
  );
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(
      `${(error as Error).message.split(". ")[0]} (\`tradewind ${command.path.join(" ")} --help\`)`,
    );
  }
  checkArgs(command, parsed.positionals);
  return { args: parsed.positionals, options: parsed.values as Record<string, string | boolean | undefined> };
}

function checkArgs({ path, args = [] }: Command, given: readonly string[]): void {
  const required = args.filter(arg => !arg.startsWith("[")).length;
  const many = args.some(arg => arg.includes("…"));
  const usage = `usage: tradewind ${[...path, ...args].join(" ")}`;
  if (given.length < required) throw new UsageError(`${args[given.length]} is missing; ${usage}`);
  if (!many && given.length > args.length) throw new UsageError(`too many arguments; ${usage}`);
}
