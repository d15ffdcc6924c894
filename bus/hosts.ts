/**
 * The supervisors that take shares of the pools. Each writes what it has to the bucket TW_HOSTS every two seconds, in the
 * server's memory. Whether one lives is told by its entry changing under the reader's own clock: clocks of machines may
 * differ, and a leader that has just begun gives each the full time.
 */
import type { KV } from "nats";
import { StorageType } from "nats";
import { keysOf, openBucket } from "./buckets.ts";
import type { Connection } from "./connection.ts";
import type { PerPool } from "./pool-targets.ts";
import { buckets } from "./topology.ts";

export const HOST_BEAT_MS = 2_000;
/** Long enough for a supervisor that is started again at once: its processes run on meanwhile. */
export const HOST_GONE_MS = 8_000;
const FORGET_MS = 15_000;

export type Host = {
  /** Unique per supervisor, the same after its restart. */
  readonly id: string;
  /** The machine; supervisors on one share its cores. */
  readonly name: string;
  /** Cores that worker processes may fill, over all supervisors of this machine. */
  readonly cores: number;
  /** Processes that it starts with, by pool; a pool of which it starts none it takes no share of. */
  readonly starts: PerPool<number>;
};

export type Hosts = {
  beat(host: Host): Promise<void>;
  leave(id: string): Promise<void>;
  /** The living ones, by id; null while that can't be told because NATS was away a moment ago. */
  live(): Promise<Host[] | null>;
};

export async function openHosts(connection: Connection): Promise<Hosts> {
  const options = { ttl: FORGET_MS, storage: StorageType.Memory, history: 1 };
  const open = (): Promise<KV> => openBucket(connection, buckets.hosts, options);
  let kv = await open();
  const seen = new Map<string, { revision: number; atMs: number }>();
  let reconnectedAtMs = Number.NEGATIVE_INFINITY;
  connection.onReconnect(() => {
    reconnectedAtMs = performance.now();
    seen.clear();
  });

  return {
    async beat(host) {
      const body = JSON.stringify(host);
      try {
        await kv.put(host.id, body);
      } catch {
        // The bucket lives in memory: a server that restarted has forgotten it.
        kv = await open();
        await kv.put(host.id, body);
      }
    },
    async leave(id) {
      await kv.delete(id);
    },
    async live() {
      const nowMs = performance.now();
      if (!connection.connected || nowMs - reconnectedAtMs < 2 * HOST_BEAT_MS) return null;
      const hosts: Host[] = [];
      for (const key of await keysOf(connection, buckets.hosts)) {
        const entry = await kv.get(key);
        if (entry?.operation !== "PUT") continue;
        if (seen.get(key)?.revision !== entry.revision)
          seen.set(key, { revision: entry.revision, atMs: nowMs });
        if (nowMs - seen.get(key)!.atMs < HOST_GONE_MS) hosts.push(entry.json<Host>());
      }
      return hosts.sort((a, b) => a.id.localeCompare(b.id));
    },
  };
}
