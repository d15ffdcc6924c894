/**
 * The stack under test: a real supervisor on a folder of its own, started as people start it. When it is killed, its
 * children live on and the next one takes them over; the folder and `stack.json` stay the same.
 */

import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { loadConfig } from "../../platform/config.ts";
import { connect, type Db } from "../../platform/postgres/index.ts";
import { tied } from "../../platform/tied.ts";
import { type Caller, caller, freePort, root, type StackFile } from "../cluster/index.ts";
import { poll } from "./poll.ts";

const START_MS = 90_000;

/** Small enough for two cores with a load beside; two of what the load waits for, so that one may be away. */
const SETTINGS = {
  TRADEWIND_FIRST_LIGHT: "off",
  TRADEWIND_AUTOSCALE: "off",
  TRADEWIND_DRAIN_SECONDS: "10",
  TRADEWIND_RATE_LIMIT_FACTOR: "10000",
  TRADEWIND_LOG_FORMAT: "json",
  // Half of it is how long a sweep leaves a queued order to its payment job: nobody waits for ten minutes here.
  TRADEWIND_RESERVATION_SECONDS: "40",
  TRADEWIND_HIGH_PROCESSES: "2",
  TRADEWIND_NORMAL_PROCESSES: "2",
  TRADEWIND_LOW_PROCESSES: "1",
};

export type Stack = {
  readonly home: string;
  readonly api: Caller;
  readonly sql: Db;
  /** What `stack.json` says now. */
  now(): StackFile;
  supervisor(): { pid: number; exited: Promise<number> };
  /** Starts the supervisor again after it was killed; resolves when it has written that it runs. */
  restartSupervisor(): Promise<void>;
  /** Drains and ends the stack; returns the supervisor's exit code. */
  stop(): Promise<number>;
};

/** A folder in which server binaries that an earlier start has fetched are found. */
export async function makeHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "tradewind-crash-"));
  const packages = join(resolve(loadConfig(process.env).home), "packages");
  mkdirSync(packages, { recursive: true });
  symlinkSync(packages, join(home, "packages"));
  return home;
}

/** `settings`: beside those of every crash-test. */
export async function startStack(home: string, settings: Record<string, string> = {}): Promise<Stack> {
  const port = await freePort();
  const now = (): StackFile => JSON.parse(readFileSync(join(home, "stack.json"), "utf8"));
  let child = spawnSupervisor(home, port, settings);
  const running = async () => {
    const said = child.stderr.text();
    await poll("a running supervisor", START_MS, async () => {
      if (child.exitCode !== null) throw new Error(`the supervisor ended: ${await said}`);
      const stack = now();
      return stack.state === "running" && stack.supervisor?.pid === child.pid;
    });
  };
  await running();
  await poll("a ready stack", START_MS, async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok);
  const stack = now();
  const sql = connect(stack.databaseUrl, { max: 3, application: "crash-test" });
  return {
    home,
    sql,
    api: caller(stack.api, stack.keys!),
    now,
    supervisor: () => ({ pid: child.pid, exited: child.exited }),
    async restartSupervisor() {
      child = spawnSupervisor(home, port, settings);
      await running();
    },
    async stop() {
      await sql.end({ timeout: 1 });
      child.kill("SIGTERM");
      return child.exited;
    },
  };
}

function spawnSupervisor(
  home: string,
  port: number,
  settings: Record<string, string>,
): Bun.Subprocess<"ignore", "ignore", "pipe"> {
  return Bun.spawn(tied([process.execPath, join(root, "apps/cluster/start.ts")], "TERM"), {
    env: {
      ...serverBinaries(),
      PATH: process.env.PATH,
      TRADEWIND_HOME: home,
      PORT: String(port),
      ...SETTINGS,
      ...settings,
    },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
}

function serverBinaries(): Record<string, string> {
  const { natsServerBin, redisServerBin, meiliBin } = loadConfig(process.env);
  const pairs = { NATS_SERVER_BIN: natsServerBin, REDIS_SERVER_BIN: redisServerBin, MEILI_BIN: meiliBin };
  return Object.fromEntries(Object.entries(pairs).filter((pair): pair is [string, string] => !!pair[1]));
}
