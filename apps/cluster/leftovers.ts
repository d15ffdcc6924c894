/**
 * What a supervisor that was killed left running, by stack.json. Our own processes are replaced (the program or its
 * settings may have changed); servers are handed on to be taken over, which keeps their connections and caches.
 */
import type { Log } from "../../platform/log.ts";
import type { ServerName, StackFile } from "./home.ts";
import { end, isAlive } from "./process.ts";
import type { ServerRecord } from "./servers/index.ts";

/** Long enough for requests and short jobs; what takes longer is repeated by its queue. */
const PATIENCE_MS = 3_000;

export async function clearLeftovers(
  stack: StackFile | null,
  log: Log,
): Promise<Partial<Record<ServerName, ServerRecord>>> {
  if (!stack) return {};
  const processes = Object.entries(stack.processes).filter(([, ref]) => isAlive(ref));
  const servers = Object.entries(stack.servers).filter(([, ref]) => isAlive(ref));
  if (processes.length + servers.length > 0) {
    log.warn(
      { replaced: processes.map(([name]) => name), takenOver: servers.map(([name]) => name) },
      "an earlier supervisor was killed; cleaning up after it",
    );
  }
  await Promise.all(processes.map(([, ref]) => end(ref, { patienceMs: PATIENCE_MS })));
  return Object.fromEntries(servers);
}
