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

/** Returns the way to stop watching. */
export function watchMemory(options: { config: Config; pools: Pools; log: Log }): () => void {
  const { config, pools, log } = options;
  const limitsMb = { high: config.highMemoryMb, normal: config.normalMemoryMb, low: config.lowMemoryMb };
  const strikes = new Map<number, number>();

  function check(): void {
    for (const priority of poolPriorities) {
      for (const { unit, isLeaving } of pools.members(priority)) {
        const ref = unit.current();
        const [rssMb, limitMb] = [ref && residentMb(ref.pid), limitsMb[priority]];
        if (!ref || rssMb === null || rssMb <= limitMb) {
          if (ref) strikes.delete(ref.pid);
          continue;
        }
        const told = { unit: unit.name, child: ref.pid, rssMb, limitMb };
        strikes.set(ref.pid, (strikes.get(ref.pid) ?? 0) + 1);
        if (rssMb > limitMb * KILLED_AT) {
          log.error(told, "killed: it takes twice the memory that it may");
          void end(ref, { signal: "SIGKILL", patienceMs: 1_000 });
        } else if (!isLeaving && strikes.get(ref.pid)! >= PATIENCE_CHECKS) {
          log.warn(told, "replaced: it takes more memory than it may");
          pools.replace(priority, unit);
        }
      }
    }
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
