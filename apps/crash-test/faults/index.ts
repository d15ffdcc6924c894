/** The faults, and the order in which a seed has them happen: each once in a round, in an order of its own. */
import type { Random } from "../random.ts";
import { cuts, type FarNode } from "./cut.ts";
import { fullDisks, type SmallDisks } from "./disk.ts";
import type { Fault } from "./fault.ts";
import { kills } from "./kill.ts";
import { natsFaultNames } from "./nats-cluster.ts";
import { stops } from "./stop.ts";

export { type FarNode, startFarNode } from "./cut.ts";
export { mountDisks, type SmallDisks } from "./disk.ts";
export type { Fault, FaultContext, Happened, Inflicted } from "./fault.ts";
export { type BreakableNats, natsFaults, startBreakableNats } from "./nats-cluster.ts";
export { untilWell } from "./recovery.ts";

/** Workers and API nodes once more: there are more of them than of the rest. */
const again = ["kill worker", "kill api"].map(name => kills.find(fault => fault.name === name)!);

export { natsFaultNames };

export const faultNames: readonly string[] = [
  ...kills.map(({ name }) => name),
  ...stops.map(({ name }) => name),
  ...["cut replies", "cut postgres", "fill jetstream", "fill media"],
];

export function faultsOf(node: FarNode, disks: SmallDisks): readonly Fault[] {
  return [...kills, ...again, ...stops, ...cuts(node), ...fullDisks(disks)];
}

export function* inOrderOf(random: Random, some: readonly Fault[]): Generator<Fault> {
  for (;;) yield* random.shuffled(some);
}
