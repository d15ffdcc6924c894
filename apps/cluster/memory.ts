/**
 * Watches the memory of the pool processes from outside, twice a second: a process whose job takes all there is can't
 * watch itself, and where the system runs short it may end the database instead.
 *
 * A worker over its limit notices and leaves by itself (workers/memory.ts); one that is still there after five seconds is
 * let go while its successor starts. At twice the limit a process is killed: what it ran is delivered again, and a job
 * that brings a second process there is a dead letter (`killed_worker`).
 */
import { readFileSync } from "node:fs";
import type { Config } from "../../platform/config.ts";
import type { Log } from "../../platform/log.ts";
import { type Pools, poolPriorities } from "./pools.ts";
import { end } from "./process.ts";

const CHECK_MS = 500;
const PATIENCE_CHECKS = 10;
const KILLED_AT = 2;
/** A limit under what a process needs at rest must not become a hectic loop of starts. */
const LEAST_AGE_CHECKS = 20;

/** Returns the way to stop watching. */
export function watchMemory(options: { config: Config; pools: Pools; log: Log }): () => void {
  const { config, pools, log } = options;
  const limitsMb = { high: config.highMemoryMb, normal: config.normalMemoryMb, low: config.lowMemoryMb };
  /** How often each process was looked at, and how often in a row it was over its limit. */
  let looks = new Map<number, { age: number; over: number }>();

  function check(): void {
    const seen = new Map<number, { age: number; over: number }>();
    for (const priority of poolPriorities) {
      for (const { unit, isLeaving } of pools.members(priority)) {
        const ref = unit.current();
        const rssMb = ref && residentMb(ref.pid);
        if (!ref || rssMb === null) continue;
        const limitMb = limitsMb[priority];
        const before = looks.get(ref.pid) ?? { age: 0, over: 0 };
        const look = { age: before.age + 1, over: rssMb > limitMb ? before.over + 1 : 0 };
        seen.set(ref.pid, look);
        const told = { unit: unit.name, child: ref.pid, rssMb, limitMb };
        if (rssMb > limitMb * KILLED_AT) {
          log.error(told, "killed: it takes twice the memory that it may");
          void end(ref, { signal: "SIGKILL", patienceMs: 1_000 });
        } else if (!isLeaving && look.over >= PATIENCE_CHECKS && look.age >= LEAST_AGE_CHECKS) {
          log.warn(told, "replaced: it takes more memory than it may");
          pools.replace(priority, unit);
        }
      }
    }
    looks = seen;
  }
  const timer = setInterval(check, CHECK_MS);
  return () => clearInterval(timer);
}

/** Null where the system does not tell (Linux does). */
function residentMb(pid: number): number | null {
  try {
    const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kb === undefined ? null : Math.round(Number(kb) / 1_024);
  } catch {
    return null;
  }
}
