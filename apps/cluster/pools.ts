/** The pools of this host: a crew each. Growing and shrinking follow the targets; see crew.ts. */
import { type Crew, createCrew } from "./crew.ts";
import type { Program } from "./programs.ts";
import type { Unit } from "./unit.ts";

export type Priority = "high" | "normal" | "low";
export const poolPriorities: readonly Priority[] = ["high", "normal", "low"];

/** Background work must not take the processor from what people wait for. */
const LOW_POOL_NICE = 10;
/** Tells a worker to finish what it runs, however long that takes, and leave. SIGTERM has it hurry. */
const RETIRE = "SIGUSR2";

export type Pools = {
  /** Sets the number of processes; those that are too many drain in the background. */
  setProcesses(priority: Priority, count: number): void;
  count(priority: Priority): number;
  /** Lets a process finish and leave, and starts another in its place at once. */
  replace(priority: Priority, unit: Unit): void;
  members(priority: Priority): { unit: Unit; isLeaving: boolean }[];
  crews(): Crew[];
  /** All, with those that finish their jobs and leave. */
  units(): Unit[];
  /** Drains and stops all. */
  stop(patienceMs: number): Promise<void>;
};

export function createPools(options: {
  run: (program: Program) => Unit;
  retireMs: number;
  /** Numbers of the processes that run already. */
  first?: (priority: Priority) => Iterable<number>;
}): Pools {
  const leave = { patienceMs: options.retireMs, signal: RETIRE } as const;
  const crewOf = (priority: Priority) =>
    createCrew({
      run: options.run,
      program: number => poolProgram(priority, number),
      leave,
      first: options.first?.(priority),
    });
  const pools = { high: crewOf("high"), normal: crewOf("normal"), low: crewOf("low") };
  const crews = () => poolPriorities.map(priority => pools[priority]);
  return {
    setProcesses: (priority, count) => pools[priority].setCount(count),
    count: priority => pools[priority].count(),
    replace: (priority, unit) => pools[priority].replace(unit),
    members(priority) {
      const told = (isLeaving: boolean) => (unit: Unit) => ({ unit, isLeaving });
      return [...pools[priority].running().map(told(false)), ...pools[priority].leaving().map(told(true))];
    },
    crews,
    units: () => crews().flatMap(crew => crew.units()),
    async stop(patienceMs) {
      await Promise.all(crews().map(crew => crew.stop(patienceMs)));
    },
  };
}

function poolProgram(priority: Priority, number: number): Program {
  return {
    name: `${priority}-${number}`,
    entry: "workers/main.ts",
    // Two arenas keep glibc from holding on to the memory that image work frees.
    env: { TRADEWIND_POOL: priority, MALLOC_ARENA_MAX: "2" },
    ...(priority === "low" && { nice: LOW_POOL_NICE }),
  };
}
