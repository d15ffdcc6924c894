/** Our own processes: API nodes, keeper, pool processes, mail catcher and Redis front, each a Bun process. */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./install.ts";
import { childMark } from "./leftovers.ts";
import { putFirst, setNiceness } from "./precedence.ts";
import { adopt, end, launch, type ManagedProcess, type ProcessRef } from "./process.ts";
import { runtimeEnv } from "./runtime.ts";
import type { Started } from "./unit.ts";

export type Program = {
  /** Unique on this host; also the name of the log file and of the process in its logs. */
  readonly name: string;
  /** Path below the project. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
  /** Added to the scheduling priority: 10 leaves the processor to everybody else. */
  readonly nice?: number;
};

const FIRST_MS = 15_000;
const LOOK_MS = 50;

/** One that an earlier supervisor started. It worked, or would be gone. */
export function takeOverProgram(ref: ProcessRef): Started {
  const process_ = adopt(ref);
  return { process: process_, stop: (patienceMs, signal) => stopped(process_, patienceMs, signal) };
}

async function stopped(ref: ProcessRef, patienceMs: number, signal?: NodeJS.Signals): Promise<void> {
  await end(ref, { patienceMs, ...(signal && { signal }) });
}

export async function startProgram(
  program: Program,
  options: { baseEnv: Record<string, string>; home: string; logDir: string },
): Promise<Started> {
  const readyFile = join(options.home, "ready", `${program.name}.${randomUUID()}`);
  mkdirSync(join(options.home, "ready"), { recursive: true, mode: 0o700 });
  const process_ = await launch({
    command: [process.execPath, join(root, program.entry)],
    // Elysia keeps its verbose validation errors, which are slow to build, for other environments.
    env: {
      NODE_ENV: "production",
      ...runtimeEnv(program.entry),
      ...options.baseEnv,
      ...program.env,
      TRADEWIND_READY_FILE: readyFile,
      ...childMark(options.home, program.name),
    },
    logFile: join(options.logDir, `${program.name}.log`),
    cwd: root,
  });
  const { nice = 0 } = program;
  if (nice !== 0) setNiceness(process_.pid, nice);
  const isReady = () => existsSync(readyFile);
  void firstUntil(process_, nice, isReady);
  const stop = (patienceMs: number, signal?: NodeJS.Signals) => stopped(process_, patienceMs, signal);
  void process_.exited.then(() => rmSync(readyFile, { force: true }));
  return { process: process_, isReady, stop };
}

/** One that does not come to work has no right to be first for ever. */
async function firstUntil(
  { pid, exited }: ManagedProcess,
  nice: number,
  isReady: () => boolean,
): Promise<void> {
  const giveItsPlace = putFirst(pid, nice);
  const ended = exited.then(() => true);
  for (let left = FIRST_MS; left > 0 && !isReady(); left -= LOOK_MS)
    if (await Promise.race([ended, Bun.sleep(LOOK_MS)])) return;
  giveItsPlace();
}
