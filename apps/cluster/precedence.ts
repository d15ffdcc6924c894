/**
 * How much of a busy processor a process gets. Niceness alone may mean nothing: where Linux shares the processor out among sessions
 * (`sched_autogroup_enabled`), each of our processes has one of its own, as has each backend of Postgres, and niceness counts
 * within a session only. A session then has a niceness too, in `/proc/<pid>/autogroup`; both are set.
 *
 * A process that starts needs a second of a core before it is of any use, which on a machine that is busy as one of dozens took
 * it five to ten: it goes before the others until it works. Only root may put anybody first; else it waits its turn.
 */
import { writeFileSync } from "node:fs";
import { setPriority } from "node:os";

const STARTING = -10;

/** Every thread that it will have, if it has just been started. */
export function setNiceness(pid: number, nice: number): void {
  attempt(() => setPriority(pid, nice));
  setSessionNiceness(pid, nice);
}

/** Puts a process that has a session of its own before the others; the returned function gives it its place. */
export function putFirst(pid: number, nice: number): () => void {
  setSessionNiceness(pid, STARTING);
  return () => setSessionNiceness(pid, nice);
}

function setSessionNiceness(pid: number, nice: number): void {
  if (process.platform === "linux") attempt(() => writeFileSync(`/proc/${pid}/autogroup`, String(nice)));
}

/** It may have ended, the system may not know sessions, and we may not be allowed to. */
function attempt(set: () => void): void {
  try {
    set();
  } catch {
    // As it was.
  }
}
