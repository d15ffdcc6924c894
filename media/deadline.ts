/**
 * A decoder's deadline. At its low priority it may get next to nothing of a machine that is busy with what people wait
 * for, and a picture must not be blamed for that: time that the process was ready to run and not let is not counted.
 * The kernel keeps it by thread, in nanoseconds (`schedstat`, second number); the thread that waited longest is the one that
 * works. Where the kernel tells nothing all time counts. How long it may take on the clock is bounded by the job's time-out.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Calls `onOver` once when the process has had `deadlineMs`. Returns what ends the watch. */
export function watchDeadline(pid: number, deadlineMs: number, onOver: () => void): () => void {
  const startedAt = performance.now();
  let timer = setTimeout(check, deadlineMs);
  function check(): void {
    const hadMs = performance.now() - startedAt - keptWaitingMs(pid);
    if (hadMs >= deadlineMs) onOver();
    else timer = setTimeout(check, Math.ceil(deadlineMs - hadMs));
  }
  return () => clearTimeout(timer);
}

/** For how long the process has been ready to run and others were let; 0 when it can't be told. */
function keptWaitingMs(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return Math.max(0, ...threads.map(id => waitedMs(`/proc/${pid}/task/${id}/schedstat`)));
  } catch {
    return 0;
  }
}

function waitedMs(path: string): number {
  try {
    return Number(readFileSync(path, "latin1").split(" ")[1]) / 1e6 || 0;
  } catch {
    // A thread that has ended in between.
    return 0;
  }
}
