/** How much of the processor this process uses, with its children that ended: pictures are decoded in such. */
import { readFileSync } from "node:fs";

/** The unit of /proc; Linux has had no other for user space. */
const TICKS_PER_SECOND = 100;

/** Each call gives the cores in use since the call before. */
export function coreMeter(): () => number {
  let [usedBefore, atBefore] = [usedMs(), performance.now()];
  return () => {
    const [used, at] = [usedMs(), performance.now()];
    const cores = (used - usedBefore) / Math.max(1, at - atBefore);
    [usedBefore, atBefore] = [used, at];
    return Math.round(cores * 100) / 100;
  };
}

function usedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000 + childrenMs();
}

function childrenMs(): number {
  try {
    const stat = readFileSync("/proc/self/stat", "utf8");
    // The command name stands in brackets and may hold anything; fields are counted after it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return ((Number(fields[13]) + Number(fields[14])) * 1_000) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}
