/**
 * How many processes each pool has, in the bucket TW_POOLS.
 *
 * | key        | who writes it    | holds                                                                    |
 * | ---------- | ---------------- | ------------------------------------------------------------------------ |
 * | <priority> | operators        | their wish: a number of processes (manual), or none (auto); floor, ceiling |
 * | plan       | the leading keeper | the totals of the cluster, each host's share of them, and why          |
 *
 * A wish is merged by compare-and-set, so that two operators who change different fields both win. The plan is one value,
 * so that shares add up to their totals whenever it is read; it carries the epoch of its writer's lock (leader.ts), and
 * a leader of before finds its write refused: either the value changed since it looked, or the epoch there is higher.
 */
import type { KV, KvEntry } from "nats";
import { openBucket } from "./buckets.ts";
import type { Connection } from "./connection.ts";
import { type Priority, priorities } from "./contracts/contract.ts";
import { buckets } from "./topology.ts";
import { watchBucket } from "./watch.ts";

/** Null: not set, so the default of the settings counts; `processes` null: the autoscaler decides. */
export type PoolWish = {
  readonly processes: number | null;
  readonly floor: number | null;
  readonly ceiling: number | null;
};

export type PerPool<T> = Readonly<Record<Priority, T>>;

export type PoolDecision = {
  readonly at: string;
  readonly priority: Priority;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
};

export type PoolPlan = {
  readonly epoch: number;
  /** The process that decided. */
  readonly leader: string;
  readonly at: string;
  readonly pools: PerPool<{
    readonly total: number;
    readonly mode: "auto" | "manual";
    readonly floor: number;
    readonly ceiling: number;
    /** The age that no waiting job should reach. */
    readonly targetAgeMs: number;
    /** Why the total is what it is. */
    readonly reason: string;
  }>;
  /** By host id; the shares of a pool add up to its total. */
  readonly hosts: Readonly<
    Record<string, { readonly name: string; readonly cores: number; readonly shares: PerPool<number> }>
  >;
  /** The last changes, newest first. */
  readonly decisions: readonly PoolDecision[];
};

/** The plan was written by somebody else since, or by a later leader. */
export class PlanRefused extends Error {
  override name = "PlanRefused";
}

export type PoolTargets = {
  wishes(): Promise<PerPool<PoolWish>>;
  /** Changes what is given and keeps the rest. */
  setWish(priority: Priority, change: Partial<PoolWish>): Promise<PoolWish>;
  plan(): Promise<PoolPlan | null>;
  /** @throws PlanRefused */
  setPlan(plan: PoolPlan): Promise<void>;
  /** Calls back now and at each change. Returns the way to stop. */
  watch(callbacks: {
    onWish?: (priority: Priority, wish: PoolWish) => void;
    onPlan?: (plan: PoolPlan) => void;
  }): Promise<() => void>;
};

const PLAN = "plan";
const TRIES = 10;
const isWritten = (entry: KvEntry | null): entry is KvEntry => entry?.operation === "PUT";

function wishOf(entry: KvEntry | null): PoolWish {
  const none = { processes: null, floor: null, ceiling: null };
  return isWritten(entry) ? { ...none, ...entry.json<Partial<PoolWish>>() } : none;
}

export async function openPoolTargets(connection: Connection): Promise<PoolTargets> {
  const kv: KV = await openBucket(connection, buckets.pools, { history: 5 });

  return {
    async wishes() {
      const pairs = priorities.map(async priority => [priority, wishOf(await kv.get(priority))] as const);
      return Object.fromEntries(await Promise.all(pairs)) as PerPool<PoolWish>;
    },
    async setWish(priority, change) {
      for (let attempt = 1; ; attempt++) {
        const entry = await kv.get(priority);
        const merged = { ...wishOf(entry), ...change };
        try {
          await kv.put(priority, JSON.stringify(merged), { previousSeq: entry?.revision ?? 0 });
          return merged;
        } catch (error) {
          if (attempt === TRIES) throw error;
        }
      }
    },
    async plan() {
      const entry = await kv.get(PLAN);
      return isWritten(entry) ? entry.json<PoolPlan>() : null;
    },
    async setPlan(plan) {
      const entry = await kv.get(PLAN);
      const before = isWritten(entry) ? entry.json<PoolPlan>() : null;
      if (before && before.epoch > plan.epoch) {
        throw new PlanRefused(`epoch ${before.epoch} has decided, this is ${plan.epoch}`);
      }
      await kv.put(PLAN, JSON.stringify(plan), { previousSeq: entry?.revision ?? 0 }).catch(error => {
        throw isStale(error) ? new PlanRefused("another plan was written meanwhile") : error;
      });
    },
    watch: ({ onWish, onPlan }) =>
      watchBucket(connection, kv, entry => {
        const priority = priorities.find(one => one === entry.key);
        if (priority) onWish?.(priority, wishOf(entry));
        else if (entry.key === PLAN && isWritten(entry)) onPlan?.(entry.json<PoolPlan>());
      }),
  };
}

/** JetStream's "wrong last sequence". */
function isStale(error: unknown): boolean {
  return (error as { api_error?: { err_code?: number } }).api_error?.err_code === 10071;
}
