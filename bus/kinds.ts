/**
 * What operators set per kind: cap and pause, in the bucket TW_KINDS, which is the truth. A change is written there
 * first and then applied; keepers watch the bucket and apply it too, so a crash between the two heals itself.
 * Paused is not a cap of zero (zero means 1,000 to the server): every process stops taking the kind.
 */
import type { KV } from "nats";
import type { Connection } from "./connection.ts";
import type { Contract } from "./contracts/contract.ts";
import { contractOf, contracts } from "./contracts/index.ts";
import { applyCap, buckets } from "./topology.ts";
import { watchBucket } from "./watch.ts";

export type KindSettings = { cap?: number; paused?: boolean };
export type KindState = { cap: number; paused: boolean };

export type Kinds = {
  state(contract: Contract): KindState;
  /** Changes what is given and keeps the rest. Resolves when the server enforces a new cap. */
  set(contract: Contract, change: KindSettings): Promise<KindState>;
  /** Calls back now and at each change, with the state in force. Returns the way to stop. */
  watch(callback: (contract: Contract, state: KindState) => void): () => void;
  close(): void;
};

const TRIES = 10;

/** Reads the bucket once, then follows it. */
export async function openKinds(connection: Connection): Promise<Kinds> {
  const kv: KV = await connection.js.views.kv(buckets.kinds, { history: 5 });
  const settings = new Map<string, KindSettings>();
  const callbacks = new Set<(contract: Contract, state: KindState) => void>();
  const state = (contract: Contract): KindState => ({
    cap: settings.get(contract.kind)?.cap ?? contract.cap,
    paused: settings.get(contract.kind)?.paused ?? false,
  });

  const stop = await watchBucket(connection, kv, entry => {
    const contract = contractOf(entry.key);
    if (!contract) return;
    settings.set(entry.key, entry.operation === "PUT" ? entry.json<KindSettings>() : {});
    for (const callback of callbacks) callback(contract, state(contract));
  });

  /** Merges by compare-and-set, so that two operators who change different fields both win. */
  async function merge(kind: string, change: KindSettings): Promise<KindSettings> {
    for (let attempt = 1; ; attempt++) {
      const entry = await kv.get(kind);
      const merged = { ...(entry?.operation === "PUT" ? entry.json<KindSettings>() : {}), ...change };
      try {
        await kv.put(kind, JSON.stringify(merged), { previousSeq: entry?.revision ?? 0 });
        return merged;
      } catch (error) {
        if (attempt === TRIES) throw error;
      }
    }
  }

  return {
    state,
    async set(contract, change) {
      settings.set(contract.kind, await merge(contract.kind, change));
      const now = state(contract);
      await applyCap(connection.jsm, contract, now.cap);
      return now;
    },
    watch(callback) {
      callbacks.add(callback);
      for (const contract of contracts) callback(contract, state(contract));
      return () => callbacks.delete(callback);
    },
    close: stop,
  };
}
