/**
 * Finds the command, parses its options, runs it, prints its result.
 * Exit codes: 0 done, 1 failed, 2 called in a way it doesn't know (or with a malformed setting).
 */
import { loadConfig } from "../../platform/config.ts";
import { createApi } from "./api.ts";
import { type Command, UsageError } from "./command.ts";
import { commands } from "./commands/index.ts";
import { explain } from "./explain.ts";
import { commandHelp, groupHelp } from "./help.ts";
import type { Io } from "./io.ts";
import { find, parse } from "./parse.ts";
import { readStack } from "./stack.ts";

type Env = Record<string, string | undefined>;

const startsWith = (command: Command, words: readonly string[]) =>
  words.every((word, i) => command.path[i] === word);

export async function run(argv: readonly string[], env: Env, io: Io): Promise<number> {
  const json = argv.includes("--json");
  try {
    return await dispatch(argv, env, io, json);
  } catch (error) {
    const [exitCode, code, message] = explain(error);
    io.err(json ? `${JSON.stringify({ error: { code, message } })}\n` : `tradewind: ${message}\n`);
    return exitCode;
  }
}

/** The leading words name the command; options begin with a dash and end them. */
function leadingWords(argv: readonly string[]): string[] {
  const end = argv.findIndex(word => word.startsWith("-"));
  return argv.slice(0, end === -1 ? argv.length : end);
}

const helpWords = new Set(["--help", "-h"]);

async function dispatch(line: readonly string[], env: Env, io: Io, json: boolean): Promise<number> {
  // Options of all commands may stand anywhere, before the command's words too.
  const argv = line.filter(word => word !== "--json" && !helpWords.has(word));
  if (argv[0] === "help") argv.shift();
  const help = line[0] === "help" || line.some(word => helpWords.has(word));
  const words = leadingWords(argv);
  const command = find(commands, words);
  if (command === undefined) return group(words, help || line.length === 0, io);
  if (help) {
    const below = commands.filter(one => one !== command && startsWith(one, command.path));
    io.out(commandHelp(command, below));
    return 0;
  }
  const { args, options } = parse(command, argv.slice(command.path.length));
  const config = loadConfig(env);
  const stack = await readStack(config.home, config.port, {
    api: env.TRADEWIND_API,
    publishableKey: env.TRADEWIND_PUBLISHABLE_KEY,
    secretKey: env.TRADEWIND_SECRET_KEY,
    opsKey: env.TRADEWIND_OPS_KEY,
  });
  const context = { args, options, json, io, config, stack, api: createApi(stack) };
  const result = await command.run(context);
  // Undefined or empty: the command has printed what it had to.
  const text = json ? JSON.stringify(result.json) : result.text;
  if (text) io.out(`${text}\n`);
  return result.exitCode ?? 0;
}

/** No command: the help of what begins with these words, or the complaint that nothing does. */
function group(words: readonly string[], help: boolean, io: Io): number {
  let known = [...words];
  while (known.length > 0 && !commands.some(command => startsWith(command, known)))
    known = known.slice(0, -1);
  const below = commands.filter(command => startsWith(command, known));
  if (help && known.length === words.length) {
    io.out(groupHelp(below, known));
    return 0;
  }
  const prefix = ["tradewind", ...known].join(" ");
  const unknown = words[known.length];
  const what =
    unknown === undefined ? `\`${prefix}\` wants a command` : `\`${prefix} ${unknown}\` is not a command`;
  const next = [...new Set(below.map(command => command.path[known.length]!))].join(", ");
  throw new UsageError(`${what}; there are ${next} (\`${prefix} --help\`)`);
}
