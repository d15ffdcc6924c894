/**
 * Who is alive. Every worker process writes a heartbeat to the bucket TW_WORKERS each second, in the server's memory;
 * an entry that is three seconds old counts as gone, the server forgets it after ten. Ages are told by the server's clock
 * (machines may differ), which is known from the newest heartbeat: it was new when this process saw it first. So a reader that
 * comes when all are dead counts the last of them as alive for three seconds more.
 */
import type { KV } from "nats";
import { StorageType } from "nats";
import { keysOf, openBucket } from "./buckets.ts";
import type { Connection } from "./connection.ts";
import type { Downstream, Priority } from "./contracts/contract.ts";
import type { RateSummary } from "./rates.ts";
import { buckets } from "./topology.ts";

export const BEAT_MS = 1_000;
const GONE_AFTER_MS = 3_000;
const FORGET_MS = 10_000;
/** How long one reading serves: redelivered jobs ask one after the other. */
const FRESH_MS = 250;

/** Since when (RFC 3339) something does not answer, and what was said last. */
export type Away = { since: string; reason: string };

export type WorkerBeat = {
  /** `<host>:<pid>:<random>`, unique for ever. */
  worker: string;
  host: string;
  pid: number;
  priority: Priority;
  /** Jobs and batches running now. */
  busy: number;
  rssMb: number;
  /** Cores that the process used since its last heartbeat, with those of its children that ended. */
  cores: number;
  /** RFC 3339 time of the process's start. */
  since: string;
  draining: boolean;
  /** What this process can't reach and its kinds need. */
  away?: Partial<Record<Downstream, Away>>;
  kinds: Record<string, RateSummary & { running: number; held: number }>;
};

export function workerId(host: string): string {
  return `${host.replaceAll(/[^\w-]/g, "-")}:${process.pid}:${Math.random().toString(36).slice(2, 8)}`;
}

async function bucket(connection: Connection): Promise<KV> {
  return openBucket(connection, buckets.workers, { ttl: FORGET_MS, storage: StorageType.Memory, history: 1 });
}

const keyOf = (worker: string) => worker.replaceAll(":", ".");

export type Registry = {
  beat(beat: WorkerBeat): Promise<void>;
  leave(worker: string): Promise<void>;
  /** Workers whose heartbeat is fresh; the answer may be a quarter of a second old. */
  live(): Promise<WorkerBeat[]>;
  /** The same, to conclude from that who is not in it is dead. @throws while that can't be told: {@link UntoldYet} */
  allLive(): Promise<WorkerBeat[]>;
};

/** NATS was away a moment ago and has forgotten all heartbeats; not every living worker has sent a new one. */
export class UntoldYet extends Error {
  override name = "UntoldYet";
}

export async function openRegistry(connection: Connection): Promise<Registry> {
  let kv = await bucket(connection);
  const newest = { createdMs: 0, seenMs: 0 };
  let known: { atMs: number; beats: Promise<WorkerBeat[]> } | undefined;
  let reconnectedAtMs = Number.NEGATIVE_INFINITY;
  connection.onReconnect(() => {
    reconnectedAtMs = Date.now();
    known = undefined;
  });

  async function live(): Promise<WorkerBeat[]> {
    const read = async () => readBeats(kv, await keysOf(connection, buckets.workers), newest);
    if (!known || Date.now() - known.atMs > FRESH_MS) known = { atMs: Date.now(), beats: read() };
    known.beats.catch(() => {
      known = undefined;
    });
    return known.beats;
  }

  return {
    async beat(beat) {
      const body = JSON.stringify(beat);
      try {
        await kv.put(keyOf(beat.worker), body);
      } catch {
        // The bucket lives in memory: a server that restarted has forgotten it.
        kv = await bucket(connection);
        await kv.put(keyOf(beat.worker), body);
      }
    },
    async leave(worker) {
      await kv.delete(keyOf(worker));
    },
    live,
    async allLive() {
      if (!connection.connected || Date.now() - reconnectedAtMs < GONE_AFTER_MS)
        throw new UntoldYet("NATS was away: who lives is not known yet");
      return live();
    },
  };
}

async function readBeats(
  kv: KV,
  keys: readonly string[],
  newest: { createdMs: number; seenMs: number },
): Promise<WorkerBeat[]> {
  const entries = await Promise.all(keys.map(key => kv.get(key)));
  for (const entry of entries) {
    const createdMs = entry?.created.getTime() ?? 0;
    if (createdMs > newest.createdMs) Object.assign(newest, { createdMs, seenMs: performance.now() });
  }
  const serverMs = newest.createdMs + performance.now() - newest.seenMs;
  return entries
    .filter(entry => entry?.operation === "PUT" && serverMs - entry.created.getTime() < GONE_AFTER_MS)
    .map(entry => entry!.json<WorkerBeat>())
    .sort((a, b) => a.since.localeCompare(b.since));
}
