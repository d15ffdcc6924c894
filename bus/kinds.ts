/**
 * What operators set, in the bucket TW_KINDS, which is the truth: per kind its cap, pause and rate, per pool a pause, and
 * whether there is a sale (`_pool.<priority>` and `_sale`; no kind begins with `_`). A change is written there first and
 * then applied; keepers watch the bucket and apply it too, so a crash between the two heals itself. What a sale changes is
 * derived and never written, so that ending it restores exactly what was set. Two who change a kind at the same moment may
 * reach its consumer in another order than the bucket, and the watch may be behind: a cap is read from the bucket, applied,
 * and read again, until it is the one that was applied.
 * Paused is not a cap of zero (zero means 1,000 to the server): every process stops taking the kind.
 */
import type { KV, KvEntry } from "nats";
import { openBucket } from "./buckets.ts";
import type { Connection } from "./connection.ts";
import { type Contract, type Priority, priorities } from "./contracts/contract.ts";
import { contractOf, contracts } from "./contracts/index.ts";
import {
  type KindSettings,
  type KindState,
  kindState,
  type StoredKind,
  type StoredPool,
  type StoredSale,
} from "./kind-state.ts";
import { applyCap, buckets } from "./topology.ts";
import { watchBucket } from "./watch.ts";

export type { KindSettings, KindState, Pause } from "./kind-state.ts";

export type Sale = { on: boolean; since: string | null };
export type PoolPause = { paused: boolean; since: string | null };

export type Kinds = {
  state(contract: Contract): KindState;
  pool(priority: Priority): PoolPause;
  readonly sale: Sale;
  /** Changes what is given and keeps the rest. Resolves when the server enforces a new cap. */
  set(contract: Contract, change: KindSettings): Promise<KindState>;
  pausePool(priority: Priority, paused: boolean): Promise<PoolPause>;
  /** Resolves when the server enforces what follows. */
  setSale(on: boolean): Promise<Sale>;
  /** Calls back now and at each change, with the state in force. Returns the way to stop. */
  watch(callback: (contract: Contract, state: KindState) => void): () => void;
  close(): void;
};

const SALE = "_sale";
const poolKey = (priority: Priority) => `_pool.${priority}`;
const TRIES = 10;

/** Reads the bucket once, then follows it. */
export async function openKinds(connection: Connection): Promise<Kinds> {
  const kv: KV = await openBucket(connection, buckets.kinds, { history: 5 });
  const settings = new Map<string, object>();
  const revisions = new Map<string, number>();
  const callbacks = new Set<(contract: Contract, state: KindState) => void>();
  const stored = <T extends object>(key: string) => (settings.get(key) ?? {}) as Partial<T>;
  const state = (contract: Contract, kind: StoredKind = stored<StoredKind>(contract.kind)): KindState =>
    kindState(contract, {
      kind,
      pool: stored<StoredPool>(poolKey(contract.priority)),
      sale: stored<StoredSale>(SALE),
    });

  const stop = await watchBucket(connection, kv, entry => {
    settings.set(entry.key, heldBy(entry));
    revisions.set(entry.key, entry.revision);
    for (const contract of concerned(entry.key))
      for (const callback of callbacks) callback(contract, state(contract));
  });

  /** Merges by compare-and-set, so that two operators who change different fields both win. */
  async function merge<T extends object>(key: string, changeOf: (before: T) => T): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const entry = await kv.get(key);
      const before = heldBy(entry) as T;
      const merged = { ...before, ...changeOf(before) };
      try {
        const revision = await kv.put(key, JSON.stringify(merged), { previousSeq: entry?.revision ?? 0 });
        // Seen by this process at once, unless its watch has told of a later change already.
        if (revision > (revisions.get(key) ?? 0)) settings.set(key, merged);
        return merged;
      } catch (error) {
        if (attempt === TRIES) throw error;
      }
    }
  }

  /** What the bucket holds now, though the watch may not have told it yet. */
  async function capInBucket(contract: Contract): Promise<number> {
    const [kind, sale] = await Promise.all([kv.get(contract.kind), kv.get(SALE)]);
    return kindState(contract, { kind: heldBy(kind), pool: {}, sale: heldBy(sale) }).capNow;
  }

  /** Resolves when the server enforces the cap that the bucket holds. */
  async function enforce(contract: Contract): Promise<void> {
    let applied: number | undefined;
    for (let cap = await capInBucket(contract); cap !== applied; cap = await capInBucket(contract)) {
      await applyCap(connection.jsm, contract, cap);
      applied = cap;
    }
  }

  const poolPause = (priority: Priority): PoolPause => {
    const { paused = false, pausedAt } = stored<StoredPool>(poolKey(priority));
    return { paused, since: paused ? (pausedAt ?? null) : null };
  };
  const sale = (): Sale => {
    const { on = false, at } = stored<StoredSale>(SALE);
    return { on, since: on ? (at ?? null) : null };
  };

  return {
    state: contract => state(contract),
    pool: poolPause,
    get sale() {
      return sale();
    },
    async set(contract, change) {
      const changeOf = (before: StoredKind) => ({ ...change, ...sincePaused(before, change) });
      const kind = await merge<StoredKind>(contract.kind, changeOf);
      await enforce(contract);
      // Not by what the watch told: it may be behind.
      return state(contract, kind);
    },
    async pausePool(priority, paused) {
      await merge<StoredPool>(poolKey(priority), before => ({ paused, ...sincePaused(before, { paused }) }));
      return poolPause(priority);
    },
    async setSale(on) {
      await merge<StoredSale>(SALE, before => (before.on === on ? {} : { on, at: new Date().toISOString() }));
      await Promise.all(contracts.map(enforce));
      return sale();
    },
    watch(callback) {
      callbacks.add(callback);
      for (const contract of contracts) callback(contract, state(contract));
      return () => callbacks.delete(callback);
    },
    close: stop,
  };
}

/** What a key holds; nothing after it was deleted. */
function heldBy(entry: KvEntry | null): object {
  return entry?.operation === "PUT" ? entry.json<object>() : {};
}

/** When a pause begins, since when it stands. */
function sincePaused(before: StoredPool, change: StoredPool): StoredPool {
  return change.paused && !before.paused ? { pausedAt: new Date().toISOString() } : {};
}

/** The kinds whose state an entry of the bucket is part of. */
function concerned(key: string): readonly Contract[] {
  if (key === SALE) return contracts;
  const priority = priorities.find(one => poolKey(one) === key);
  if (priority) return contracts.filter(contract => contract.priority === priority);
  const contract = contractOf(key);
  return contract ? [contract] : [];
}
