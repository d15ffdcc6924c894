/**
 * How many processes of each pool run on this host. Growing starts processes with the next free numbers; shrinking lets
 * the highest numbers finish their jobs and leave, in their own time. One that is to be replaced is let go the same way
 * while its successor starts.
 */
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
  /** All, with those that finish their jobs and leave. */
  units(): Unit[];
  /** Drains and stops all. */
  stop(patienceMs: number): Promise<void>;
};

type Pool = { running: Map<number, Unit>; leaving: Map<number, Unit> };

export function createPools(options: { run: (program: Program) => Unit; retireMs: number }): Pools {
  const pools = new Map<Priority, Pool>(
    poolPriorities.map(priority => [priority, { running: new Map(), leaving: new Map() }]),
  );
  const units = () =>
    [...pools.values()].flatMap(({ running, leaving }) => [...running.values(), ...leaving.values()]);
  const add = (pool: Pool, priority: Priority) => {
    const number = freeNumber(pool);
    pool.running.set(number, options.run(poolProgram(priority, number)));
  };
  let stopping = false;
  return {
    setProcesses(priority, count) {
      const pool = pools.get(priority)!;
      if (stopping) return;
      while (pool.running.size > count) dismiss(pool, Math.max(...pool.running.keys()), options.retireMs);
      while (pool.running.size < count) add(pool, priority);
    },
    count: priority => pools.get(priority)!.running.size,
    replace(priority, unit) {
      const pool = pools.get(priority)!;
      const number = [...pool.running].find(([, one]) => one === unit)?.[0];
      if (number === undefined || stopping) return;
      dismiss(pool, number, options.retireMs);
      add(pool, priority);
    },
    members(priority) {
      const { running, leaving } = pools.get(priority)!;
      const told = (isLeaving: boolean) => (unit: Unit) => ({ unit, isLeaving });
      return [...[...running.values()].map(told(false)), ...[...leaving.values()].map(told(true))];
    },
    units,
    async stop(patienceMs) {
      stopping = true;
      await Promise.all(units().map(unit => unit.stop(patienceMs)));
    },
  };
}

function dismiss({ running, leaving }: Pool, number: number, retireMs: number): void {
  const unit = running.get(number)!;
  running.delete(number);
  leaving.set(number, unit);
  void unit.stop(retireMs, RETIRE).finally(() => leaving.delete(number));
}

/** Not the number of one that still drains: its name and log file are in use. */
function freeNumber({ running, leaving }: Pool): number {
  for (let number = 1; ; number++) if (!running.has(number) && !leaving.has(number)) return number;
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
