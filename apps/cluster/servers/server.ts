/**
 * What the embedded servers have in common: they bind 127.0.0.1 on a free port with a generated secret, write their
 * output to a file, are ready when a real client got an answer, and can be taken over by the next supervisor.
 */

import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { tied } from "../../../platform/tied.ts";
import { freePort, isFree } from "../ports.ts";
import { adopt, end, isAlive, type Launch, launch, type ManagedProcess } from "../process.ts";

export type ServerContext = {
  /** Folder for the data of this server; made when missing. */
  readonly dataDir: string;
  /** Folder for the log files. */
  readonly logDir: string;
  /** Where downloaded binaries are kept. */
  readonly binDir: string;
  /** Throw-away servers give up durability for speed. */
  readonly throwAway: boolean;
  /** Ends with this process, however that ends (platform/tied.ts). */
  readonly tied?: boolean;
  /** What an earlier supervisor left: taken over when it is alive and answers, ended otherwise. */
  readonly previous?: ServerRecord | undefined;
  /** The port to use when a server that others are connected to is started again. */
  readonly port?: number | undefined;
  /** The port to try first. */
  readonly firstPort?: number | undefined;
  /** Added to the environment of the server. */
  readonly env?: Record<string, string>;
};

/** What must be known to connect to a running server and to take it over; stands in stack.json. */
export type ServerRecord = {
  readonly pid: number;
  readonly started: string;
  readonly port: number;
  readonly url: string;
};

export type RunningServer = ServerRecord & {
  readonly process: ManagedProcess;
  stop(): Promise<void>;
};

export class ServerError extends Error {
  override name = "ServerError";
}

type Plan = {
  readonly name: string;
  readonly launch: (port: number) => Promise<Omit<Launch, "logFile">> | Omit<Launch, "logFile">;
  readonly url: (port: number) => string;
  /** Throws or returns false until the server answers. */
  readonly ready: (url: string) => Promise<boolean>;
  readonly stopSignal?: NodeJS.Signals;
};

const PORT_TRIES = 3;
const READY_MS = 60_000;
const STOP_MS = 20_000;

/** Takes over or starts a server, and waits until it answers. Another port is tried when the server ends at once. */
export async function startServer(context: ServerContext, plan: Plan): Promise<RunningServer> {
  await mkdir(context.logDir, { recursive: true });
  const logFile = join(context.logDir, `${plan.name}.log`);
  const taken = context.previous && (await takeOver(plan, context.previous));
  if (taken) return taken;
  for (let attempt = 1; ; attempt++) {
    const port = context.port ?? (await firstPort(context, attempt)) ?? (await freePort());
    const planned = await plan.launch(port);
    const command = context.tied ? tied(planned.command) : planned.command;
    const process = await launch({ ...planned, command, env: { ...planned.env, ...context.env }, logFile });
    const url = plan.url(port);
    const failure = await becomesReady(process, () => plan.ready(url));
    if (!failure) return running(plan, { process, port, url });
    await end(process, { patienceMs: 2_000 });
    if (attempt === PORT_TRIES) {
      throw new ServerError(
        `${plan.name} does not start (${failure}); its last words: ${await tail(logFile)}`,
      );
    }
    await appendFile(logFile, `tradewind: ${plan.name} ${failure}; trying another port\n`);
  }
}

async function firstPort({ firstPort: port }: ServerContext, attempt: number): Promise<number | undefined> {
  return attempt === 1 && port !== undefined && (await isFree(port)) ? port : undefined;
}

/** The leftover as a running server; null after it was ended because it does not answer, or when it is gone. */
async function takeOver(plan: Plan, previous: ServerRecord): Promise<RunningServer | null> {
  if (!isAlive(previous)) return null;
  const { port, url } = previous;
  if (await plan.ready(url).catch(() => false)) return running(plan, { process: adopt(previous), port, url });
  await end(previous, { patienceMs: STOP_MS, ...(plan.stopSignal && { signal: plan.stopSignal }) });
  return null;
}

function running(
  plan: Pick<Plan, "stopSignal">,
  at: { process: ManagedProcess; port: number; url: string },
): RunningServer {
  const stop = async () => {
    await end(at.process, { patienceMs: STOP_MS, ...(plan.stopSignal && { signal: plan.stopSignal }) });
  };
  const { pid, started } = at.process;
  return { pid, started, port: at.port, url: at.url, process: at.process, stop };
}

/** Null when ready; else what happened. */
async function becomesReady(process: ManagedProcess, ready: () => Promise<boolean>): Promise<string | null> {
  let ended: string | undefined;
  process.exited.then(how => {
    ended = how;
  });
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    if (ended) return `ended: ${ended}`;
    if (await ready().catch(() => false)) return null;
    await Bun.sleep(20);
  }
  return `no answer within ${READY_MS / 1000} s`;
}

async function tail(file: string): Promise<string> {
  const text = await Bun.file(file)
    .text()
    .catch(() => "");
  return text.trim().split("\n").slice(-5).join(" | ");
}

/** A small environment for foreign programs: nothing of ours, no secrets of the user's shell. */
export function plainEnv(more: Record<string, string> = {}): Record<string, string> {
  const kept = ["PATH", "HOME", "TMPDIR", "TZ"].flatMap(name => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(kept), ...more };
}
