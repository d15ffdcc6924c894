/**
 * What a supervisor that was killed left running. Servers are handed on to be taken over, which keeps their connections and
 * caches; and so are those of our own processes that were started from what they would be started from now (origin.ts):
 * they have gone on meanwhile, and nobody notices. The others are ended before anything is started: the program or its settings
 * have changed.
 *
 * `stack.json` names them, short of those that were started in the last moment before the kill, or before the first
 * time it was written. These carry a mark in their environment and are ended: two servers on one folder would ruin it.
 *
 * A kill in the middle leaves what there is to the next one: a process that was taken over carries the same marks.
 */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../../platform/log.ts";
import type { ProcessRecord, ServerName, StackFile } from "./home.ts";
import { originMark } from "./origin.ts";
import { end, isAlive, type ProcessRef, startTime } from "./process.ts";
import type { ServerRecord } from "./servers/index.ts";

/** Long enough for requests and short jobs; what takes longer is repeated by its queue. */
const PATIENCE_MS = 3_000;

/**
 * Postgres leaves on SIGTERM when its clients have left, on SIGINT at once. Killed it would leave its lock file, and one
 * that names a process which nobody has reaped yet keeps the next one out.
 */
const FAST_SHUTDOWN = { signal: "SIGINT", patienceMs: 20_000 } as const;

/** By these two together a child of the supervisor of `home` is known. */
export function childMark(home: string, name: string): Record<string, string> {
  return { TRADEWIND_HOME: home, TRADEWIND_PROCESS: name };
}

/** What lives and goes on; each is to be taken, and what nobody took is to be ended. */
export class Leftovers {
  readonly #programs: Map<string, ProcessRecord>;

  constructor(
    readonly servers: Partial<Record<ServerName, ServerRecord>>,
    programs: Readonly<Record<string, ProcessRecord>>,
  ) {
    this.#programs = new Map(Object.entries(programs));
  }

  /** Those called `<prefix>-<number>`, by number. */
  numbered(prefix: string): Map<number, ProcessRecord> {
    const found = [...this.#programs].flatMap(([name, record]) => {
      const number = name.startsWith(`${prefix}-`) ? Number(name.slice(prefix.length + 1)) : Number.NaN;
      return Number.isInteger(number) ? [[number, record] as const] : [];
    });
    return new Map(found.toSorted(([a], [b]) => a - b));
  }

  has(name: string): boolean {
    return this.#programs.has(name);
  }

  take(name: string): ProcessRecord | undefined {
    const record = this.#programs.get(name);
    this.#programs.delete(name);
    return record;
  }

  /** Ends what is left. */
  async end(): Promise<void> {
    const rest = [...this.#programs.values()];
    this.#programs.clear();
    await Promise.all(rest.map(ref => end(ref, { patienceMs: PATIENCE_MS })));
  }
}

/** Ends what can't go on and what is in no list. */
export async function clearLeftovers(
  stack: StackFile | null,
  { home, origin }: { home: string; origin: string },
  log: Log,
): Promise<Leftovers> {
  const servers = Object.entries(stack?.servers ?? {}).filter(([, ref]) => isAlive(ref));
  const processes = Object.entries(stack?.processes ?? {}).filter(([, ref]) => isAlive(ref));
  const kept = processes.filter(([, ref]) => carries(ref.pid, originMark(origin)));
  const known = new Set([...servers, ...kept].map(([, ref]) => ref.pid));
  const replaced = processes.map(([, ref]) => ref).filter(ref => !known.has(ref.pid));
  const strays = marked(home).filter(
    ref => !known.has(ref.pid) && replaced.every(({ pid }) => pid !== ref.pid),
  );
  const ended = [...replaced, ...strays];
  if (ended.length + known.size > 0) {
    const takenOver = [...servers, ...kept].map(([name]) => name);
    log.warn({ ended: ended.length, takenOver }, "an earlier supervisor was killed");
  }
  await Promise.all(
    ended.map(ref => {
      const isDatabase = isPostgresOn(ref.pid, realPath(join(home, "postgres")));
      return end(ref, isDatabase ? FAST_SHUTDOWN : { patienceMs: PATIENCE_MS });
    }),
  );
  return new Leftovers(Object.fromEntries(servers), Object.fromEntries(kept));
}

function carries(pid: number, mark: Record<string, string>): boolean {
  const variables = words(`/proc/${pid}/environ`);
  return Object.entries(mark).every(([name, value]) => variables.includes(`${name}=${value}`));
}

/** Processes with our mark, as far as the system lets us look (Linux only). */
function marked(home: string): ProcessRef[] {
  if (process.platform !== "linux") return [];
  const database = realPath(join(home, "postgres"));
  return readdirSync("/proc").flatMap(entry => {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    if (!hasMark(pid, home) && !isPostgresOn(pid, database) && !isRedisIn(pid, join(home, "redis")))
      return [];
    const started = startTime(pid);
    return started === null ? [] : [{ pid, started }];
  });
}

function hasMark(pid: number, home: string): boolean {
  const variables = words(`/proc/${pid}/environ`);
  return (
    variables.includes(`TRADEWIND_HOME=${home}`) && variables.some(one => /^TRADEWIND_PROCESS=./.test(one))
  );
}

/** In its user namespace Postgres lets nobody read its environment; its arguments can be read. */
function isPostgresOn(pid: number, dataDir: string): boolean {
  const args = words(`/proc/${pid}/cmdline`);
  return args[0]?.endsWith("/postgres") === true && args.includes("-D") && args.includes(dataDir);
}

/** Redis writes its title over its environment; it works in its data folder. */
function isRedisIn(pid: number, dataDir: string): boolean {
  try {
    const isRedis = words(`/proc/${pid}/cmdline`)[0]?.includes("redis-server") === true;
    return isRedis && readlinkSync(`/proc/${pid}/cwd`) === dataDir;
  } catch {
    return false;
  }
}

function words(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\0");
  } catch {
    return [];
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
