/** Finds what was called for and does it; without words: the list. */
import { parseArgs } from "node:util";
import { type Call, commands, Refused } from "./commands/index.ts";
import { endOnSignal } from "./execute.ts";
import { NoResults } from "./record/store.ts";
import { scenarios } from "./scenarios/index.ts";

const USAGE = "bun run bench SCENARIO [--json] [--seconds N] [--quick]";

function readCall(): { name: string | undefined; help: boolean; call: Call } {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      seconds: { type: "string" },
      results: { type: "string" },
      "orders-per-minute": { type: "string" },
      rps: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const [name, ...args] = positionals;
  const say = (line: string) => console.error(line);
  return { name, help: values.help, call: { args, values, say } };
}

function list(): void {
  console.log(`usage: ${USAGE}\n`);
  const all = [...scenarios, ...commands.map(({ usage, about }) => ({ name: usage, about }))];
  const width = Math.max(...all.map(one => one.name.length));
  for (const [i, one] of all.entries())
    console.log(`${i === scenarios.length ? "\n" : ""}  ${one.name.padEnd(width)}  ${one.about}`);
}

async function dispatch(): Promise<number> {
  const { name, help, call } = readCall();
  if (help || name === undefined) {
    list();
    return 0;
  }
  const command = commands.find(one => one.name === name);
  if (command) return command.run(call);
  return commands[0]!.run({ ...call, args: [name, ...call.args] });
}

/** Returns the exit code. */
export async function main(): Promise<number> {
  endOnSignal();
  try {
    return await dispatch();
  } catch (error) {
    // parseArgs throws a TypeError with a sentence for people.
    const isUsage = error instanceof Refused || (error instanceof TypeError && "code" in error);
    if (isUsage) console.error(`bench: ${error.message}\nusage: ${USAGE}`);
    else console.error(error instanceof NoResults ? `bench: ${error.message}` : error);
    return isUsage ? 2 : 1;
  }
}
