/**
 * How many processes of each pool run on this host. Growing starts processes with the next free numbers; shrinking lets
 * the highest numbers finish their jobs and leave.
 */
import type { Program } from "./programs.ts";
import type { Unit } from "./unit.ts";

export type Priority = "high" | "normal" | "low";
export const poolPriorities: readonly Priority[] = ["high", "normal", "low"];

/** Background work must not take the processor from what people wait for. */
const LOW_POOL_NICE = 10;

export type Pools = {
  /** Sets the number of processes; those that are too many drain in the background. */
  setProcesses(priority: Priority, count: number): void;
  units(): Unit[];
  /** Drains and stops all. */
  stop(patienceMs: number): Promise<void>;
};

type Pool = { running: Map<number, Unit>; leaving: Map<number, Promise<void>> };

export function createPools(options: { run: (program: Program) => Unit; drainMs: number }): Pools {
  const pools = new Map<Priority, Pool>(
    poolPriorities.map(priority => [priority, { running: new Map(), leaving: new Map() }]),
  );
  const units = () => [...pools.values()].flatMap(pool => [...pool.running.values()]);
  return {
    setProcesses(priority, count) {
      const pool = pools.get(priority)!;
      while (pool.running.size > count) dismiss(pool, options.drainMs);
      while (pool.running.size < count) {
        const number = freeNumber(pool);
        pool.running.set(number, options.run(poolProgram(priority, number)));
      }
    },
    units,
    async stop(patienceMs) {
      const leaving = [...pools.values()].flatMap(pool => [...pool.leaving.values()]);
      await Promise.all([...units().map(unit => unit.stop(patienceMs)), ...leaving]);
    },
  };
}

function dismiss({ running, leaving }: Pool, drainMs: number): void {
  const number = Math.max(...running.keys());
  const unit = running.get(number)!;
  running.delete(number);
  leaving.set(
    number,
    unit.stop(drainMs).finally(() => leaving.delete(number)),
  );
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
