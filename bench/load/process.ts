/** What a process takes, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** Resident megabytes; 0 when it is no more. */
export function rssMb(pid: number): number {
  try {
    const line = /VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(line?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}

/** Resident megabytes with shared pages divided among those who share them; 0 when it is no more. */
export function pssMb(pid: number): number {
  try {
    const line = /^Pss:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
    return Number(line?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}

/** Megabytes of the process and of its children, the largest seen until `stop`. */
export function watchRss(pid: number, everyMs = 20): { stop(): { own: number; child: number } } {
  const most = { own: 0, child: 0 };
  const look = () => {
    most.own = Math.max(most.own, rssMb(pid));
    for (const child of childrenOf(pid)) most.child = Math.max(most.child, rssMb(child));
  };
  const timer = setInterval(look, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return most;
    },
  };
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap(thread =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}
