/**
 * What a supervisor that was killed left running. Our own processes are replaced (the program or its settings may have
 * changed); servers are handed on to be taken over, which keeps their connections and caches.
 *
 * `stack.json` names them, short of those that were started in the last moment before the kill, or before the first
 * time it was written. These carry a mark in their environment and are ended: two servers on one folder would ruin it.
 */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../../platform/log.ts";
import type { ServerName, StackFile } from "./home.ts";
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

/** Ends the processes and strays, and returns the servers that live. */
export async function clearLeftovers(
  stack: StackFile | null,
  home: string,
  log: Log,
): Promise<Partial<Record<ServerName, ServerRecord>>> {
  const servers = Object.entries(stack?.servers ?? {}).filter(([, ref]) => isAlive(ref));
  const known = new Set(servers.map(([, ref]) => ref.pid));
  const processes = Object.values(stack?.processes ?? {}).filter(isAlive);
  const strays = marked(home).filter(
    ref => !known.has(ref.pid) && processes.every(({ pid }) => pid !== ref.pid),
  );
  const ended = [...processes, ...strays];
  if (ended.length + servers.length > 0) {
    log.warn(
      { ended: ended.length, takenOver: servers.map(([name]) => name) },
      "an earlier supervisor was killed",
    );
  }
  await Promise.all(
    ended.map(ref => {
      const isDatabase = isPostgresOn(ref.pid, realPath(join(home, "postgres")));
      return end(ref, isDatabase ? FAST_SHUTDOWN : { patienceMs: PATIENCE_MS });
    }),
  );
  return Object.fromEntries(servers);
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
