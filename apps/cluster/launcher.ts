/**
 * Notices that what started us is gone. npx and `bun run` stand between the terminal and this process, and a SIGTERM
 * that is sent to npx alone ends its shell without reaching anybody below: the cluster would stay, owned by nobody.
 * A plain `bun apps/cluster/start.ts` (a service manager, a detached shell) has no launcher and is left alone.
 */
import { readFileSync } from "node:fs";
import { isAlive, type ProcessRef, startTime } from "./process.ts";

const LOOK_MS = 250;
/** bun run, the shell of npx, npx: with one to spare. */
const MAX_LAUNCHERS = 4;

/** Resolves when one of the launchers ended; never when there are none. */
export async function launcherGone(env: Record<string, string | undefined>): Promise<void> {
  // Set by `bun run`, whose script we then are.
  const launchers = env.npm_lifecycle_event === undefined ? [] : launchersOf(process.ppid);
  if (launchers.length === 0) return new Promise(() => {});
  while (launchers.every(isAlive)) {
    const pause = Promise.withResolvers<void>();
    setTimeout(pause.resolve, LOOK_MS).unref();
    await pause.promise;
  }
}

/** From `bun run` up to npx; `bun run` alone when there is no npx above. */
function launchersOf(pid: number): ProcessRef[] {
  const chain: ProcessRef[] = [];
  for (let at = pid; at > 1 && chain.length < MAX_LAUNCHERS; ) {
    const { started, parent, title } = look(at);
    if (started === null) break;
    chain.push({ pid: at, started });
    if (/^npm exec|\bnpx\b|\bbunx\b/.test(title)) return chain;
    at = parent;
  }
  return chain.slice(0, 1);
}

function look(pid: number): { started: string | null; parent: number; title: string } {
  const started = startTime(pid);
  if (process.platform === "linux") {
    const stat = readText(`/proc/${pid}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) || 0;
    return { started, parent, title: readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ") };
  }
  const shown = Bun.spawnSync(["ps", "-o", "ppid=,args=", "-p", String(pid)])
    .stdout.toString()
    .trim();
  const [parent = "0", ...title] = shown.split(" ");
  return { started, parent: Number(parent) || 0, title: title.join(" ") };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
