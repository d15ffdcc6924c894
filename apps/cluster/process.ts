/**
 * Operating-system processes that may outlive the one that started them.
 *
 * A pid alone can be reused, so a process is known by pid and start time together; both stand in `stack.json`. Output
 * goes to a file and never to a pipe: a child whose parent was killed must not die of the broken pipe. Children get a
 * session of their own, so that Ctrl-C on the terminal reaches the supervisor only, which then drains in order.
 */
import { type SpawnOptions, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

export type ProcessRef = {
  readonly pid: number;
  /** Start time as the system tells it: ticks since boot on Linux, a date elsewhere. */
  readonly started: string;
};

export type ManagedProcess = ProcessRef & {
  /** Resolves with a word about how it ended ("exit 1", "SIGKILL", "gone"). */
  readonly exited: Promise<string>;
};

export type Launch = {
  readonly command: readonly string[];
  readonly env: Record<string, string>;
  /** Standard output and error are appended to it. */
  readonly logFile: string;
  readonly cwd?: string;
  readonly identity?: { uid: number; gid: number };
};

const POLL_MS = 50;

/** Start time of a live process; null when there is none (a zombie counts as none). */
export function startTime(pid: number): string | null {
  if (process.platform !== "linux") {
    const shown = Bun.spawnSync(["ps", "-o", "stat=,lstart=", "-p", String(pid)])
      .stdout.toString()
      .trim();
    return shown === "" || shown.startsWith("Z") ? null : shown.slice(shown.indexOf(" ")).trim();
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command name stands in brackets and may hold anything; fields are counted after it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

export function isAlive(ref: ProcessRef): boolean {
  return startTime(ref.pid) === ref.started;
}

/** @throws when the program can't be started at all. */
export async function launch(options: Launch): Promise<ManagedProcess> {
  const log = openSync(options.logFile, "a", 0o600);
  const settings: SpawnOptions = {
    cwd: options.cwd,
    env: options.env,
    stdio: ["ignore", log, log],
    detached: true,
    ...options.identity,
  };
  try {
    const child = spawn(options.command[0]!, options.command.slice(1), settings);
    const exited = new Promise<string>(resolve =>
      child.once("exit", (code, signal) => resolve(signal ?? `exit ${code}`)),
    );
    await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    const pid = child.pid!;
    return { pid, started: startTime(pid) ?? "gone", exited };
  } finally {
    closeSync(log);
  }
}

/** Takes over a process that another supervisor started; its end is noticed by looking. */
export function adopt(ref: ProcessRef): ManagedProcess {
  return { ...ref, exited: gone(ref).then(() => "gone") };
}

async function gone(ref: ProcessRef, deadlineMs = Number.POSITIVE_INFINITY): Promise<boolean> {
  while (isAlive(ref)) {
    if (Date.now() > deadlineMs) return false;
    await Bun.sleep(POLL_MS);
  }
  return true;
}

function send(ref: ProcessRef, signal: NodeJS.Signals): void {
  try {
    if (isAlive(ref)) process.kill(ref.pid, signal);
  } catch {
    // It ended in between.
  }
}

/** What was killed is gone, but a busy machine takes its time to clear up: its files and ports are free only then. */
const KILLED_MS = 30_000;

/** Asks a process to end, waits, then kills it. Returns false when it had to be killed. */
export async function end(
  ref: ProcessRef,
  options: { signal?: NodeJS.Signals; patienceMs: number },
): Promise<boolean> {
  send(ref, options.signal ?? "SIGTERM");
  if (await gone(ref, Date.now() + options.patienceMs)) return true;
  send(ref, "SIGKILL");
  await gone(ref, Date.now() + KILLED_MS);
  return false;
}
