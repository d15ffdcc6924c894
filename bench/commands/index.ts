/** All words after `bun run bench` that are no scenario; the first runs one. */
import { capacityCommand } from "./capacity.ts";
import type { Command } from "./command.ts";
import { quickCommand } from "./quick.ts";
import { chartCommand, compareCommand } from "./results.ts";
import { allCommand, scenarioCommand } from "./scenario.ts";

export { type Call, Refused } from "./command.ts";

export const commands: readonly Command[] = [
  scenarioCommand,
  allCommand,
  quickCommand,
  compareCommand,
  chartCommand,
  capacityCommand,
];
