/**
 * TRADEWIND_HOME: its folders, the lock that keeps a second supervisor out, `secrets.json` and `stack.json`.
 *
 * The lock is one of the operating system on a file, so that it is gone with its holder however that ended; `stack.json`
 * tells who that is. Both files hold secrets and are readable by their owner only; they are replaced by renaming, so that
 * a reader or a crash never meets half a file.
 */
import { Database } from "bun:sqlite";
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { newSecret } from "../../platform/secrets.ts";
import type { ProcessRef } from "./process.ts";
import type { ServerRecord } from "./servers/index.ts";

export type Keys = { publishable: string | null; secret: string | null; ops: string };
export type ServerName = "postgres" | "nats" | "redis" | "meilisearch";
export type Secrets = { [K in ServerName | "stack"]: string };
export type ProcessRecord = ProcessRef & { port?: number | undefined };

/** What is in use on this machine. Addresses of services stand here also when they are not embedded. */
export type StackFile = {
  state: "starting" | "running" | "stopping" | "stopped";
  /** Origin of the shared port. */
  api: string;
  /** Origins of the nodes' own ports. */
  nodes: string[];
  /** Null until the first start is through. */
  keys: Keys | null;
  storeId: string | null;
  home: string;
  supervisor: ProcessRef | null;
  /** Where the supervisor listens for commands of this machine (control.ts). */
  control: string | null;
  databaseUrl: string;
  natsUrl: string;
  redisUrl: string;
  redisToken: string;
  meiliUrl: string | null;
  meiliKey: string | null;
  smtpUrl: string;
  mailboxUrl: string | null;
  stackToken: string;
  servers: Partial<Record<ServerName, ServerRecord>>;
  processes: Record<string, ProcessRecord>;
};

export class HomeInUse extends Error {
  override name = "HomeInUse";
}

export type Home = {
  readonly dir: string;
  readonly logDir: string;
  path(...parts: string[]): string;
  /** Of the embedded servers: made before their first start and kept, in `secrets.json`. */
  secrets(): Secrets;
  /** Null before the first start. */
  read(): StackFile | null;
  write(stack: StackFile): void;
  unlock(): void;
};

/** A supervisor notices within this time that it is to end, and says so in stack.json. */
const NOTICE_MS = 3_000;
const LOCK_POLL_MS = 50;

/**
 * Waits for a supervisor that is about to leave: who restarts quickly must not be refused by the drain of before.
 * @throws HomeInUse while another supervisor lives on this folder and stays.
 */
export async function openHome(dir: string, options: { drainMs: number }): Promise<Home> {
  const root = resolve(dir);
  const path = (...parts: string[]) => join(root, ...parts);
  for (const folder of [root, path("logs"), path("media")])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path("stack.json");
  const read = () => readJson<StackFile>(file);
  let seen = { state: read()?.state, sinceMs: Date.now() };
  const unlock = await lockPatiently(path("supervisor.lock"), () => {
    const other = read();
    // One that has written that it stopped still has a moment to live.
    if (other?.state !== seen.state) seen = { state: other?.state, sinceMs: Date.now() };
    const patienceMs = other?.state === "stopping" ? options.drainMs : NOTICE_MS;
    if (Date.now() - seen.sinceMs < patienceMs) return;
    const who = other?.supervisor ? ` (process ${other.supervisor.pid})` : "";
    throw new HomeInUse(`another Tradewind is running on ${root}${who}; stop it, or set TRADEWIND_HOME`);
  });
  const secrets = () => readJson<Secrets>(path("secrets.json")) ?? keep(path("secrets.json"), newSecrets());
  const write = (stack: StackFile) => void keep(file, stack);
  return { dir: root, logDir: path("logs"), path, secrets, read, write, unlock };
}

function newSecrets(): Secrets {
  const names = ["postgres", "nats", "redis", "meilisearch", "stack"] as const;
  return Object.fromEntries(names.map(name => [name, newSecret()])) as Secrets;
}

function readJson<T>(file: string): T | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new Error(`${file} can't be read: ${(error as Error).message}`);
  }
}

function keep<T>(file: string, value: T): T {
  writeFileSync(`${file}.tmp`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
  return value;
}

/** `check` is asked after each vain try and throws when there is no use in waiting. */
async function lockPatiently(file: string, check: () => void): Promise<() => void> {
  for (;;) {
    const unlock = lock(file);
    if (unlock) return unlock;
    check();
    await Bun.sleep(LOCK_POLL_MS);
  }
}

/** SQLite's exclusive lock is a portable way to an operating-system lock. Null when another process holds it. */
function lock(file: string): (() => void) | null {
  const database = new Database(file, { create: true });
  try {
    chmodSync(file, 0o600);
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return () => database.close();
  } catch (error) {
    database.close();
    if ((error as { code?: string }).code === "SQLITE_BUSY") return null;
    throw error;
  }
}
