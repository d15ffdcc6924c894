/** The faults, and the order in which a seed has them happen: each once in a round, in an order of its own. */
import type { Random } from "../random.ts";
import type { Fault } from "./fault.ts";
import { kills } from "./kill.ts";

export type { Fault, FaultContext, Happened, Inflicted } from "./fault.ts";
export { untilWell } from "./recovery.ts";

export const faults: readonly Fault[] = kills;

export function* inOrderOf(random: Random, some: readonly Fault[]): Generator<Fault> {
  for (;;) yield* random.shuffled(some);
}
