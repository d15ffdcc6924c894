/** `bun run bench [SCENARIO] [--json] [--seconds N] [--quick]`. Without a scenario: the list of them. */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { show } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import { startBenchStack } from "./stack.ts";

const USAGE = "bun run bench SCENARIO [--json] [--seconds N] [--quick]";

function readArgs() {
  try {
    return parseArgs({
      args: process.argv.slice(2),
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        seconds: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function refuse(message: string): never {
  console.error(`bench: ${message}\nusage: ${USAGE}`);
  process.exit(2);
}

function list(): void {
  console.log(`usage: ${USAGE}\n`);
  const width = Math.max(...scenarios.map(one => one.name.length));
  for (const one of scenarios) console.log(`  ${one.name.padEnd(width)}  ${one.about}`);
}

function secondsOf(raw: string | undefined, scenario: Scenario, quick: boolean): number {
  if (raw === undefined) return quick ? Math.min(2, scenario.seconds) : scenario.seconds;
  const seconds = Number(raw);
  if (!(seconds >= 0.5 && seconds <= 3_600)) refuse("--seconds takes a number from 0.5 to 3600");
  return seconds;
}

function machine() {
  const [first] = cpus();
  return { cores: cpus().length, model: first?.model.trim() ?? "unknown" };
}

function commit(): string {
  const run = Bun.spawnSync(["git", "rev-parse", "--short", "HEAD"], { cwd: import.meta.dir });
  return run.exitCode === 0 ? run.stdout.toString().trim() : "unknown";
}

const { values, positionals } = readArgs();
const [name, ...rest] = positionals;
if (values.help || name === undefined) {
  list();
  process.exit(0);
}
if (rest.length > 0) refuse("one scenario at a time");
const scenario = scenarios.find(one => one.name === name) ?? refuse(`there is no scenario ${name}`);
const seconds = secondsOf(values.seconds, scenario, values.quick);
const say = (line: string) => console.error(line);

const stack = await startBenchStack();
// A second signal ends the process at once; its children notice that their servers are gone.
process.once("SIGINT", () => void stack.stop().then(() => process.exit(130)));
process.once("SIGTERM", () => void stack.stop().then(() => process.exit(143)));
try {
  const report = await scenario.run(stack, { seconds, quick: values.quick, say });
  const full = { scenario: scenario.name, commit: commit(), machine: machine(), ...report };
  console.log(values.json ? JSON.stringify(full) : show(full));
  process.exitCode = report.exact ? 0 : 1;
} finally {
  await stack.stop();
}
process.exit();
