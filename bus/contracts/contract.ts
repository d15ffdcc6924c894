import { type Static, type TSchema, type TString, Type } from "@sinclair/typebox";

export type Priority = "high" | "normal" | "low";
export const priorities: readonly Priority[] = ["high", "normal", "low"];

/**
 * How often jobs (not batches) of a kind may start in the whole cluster: `limit` per `per`, and at most `burst` at once
 * after a pause. In no window do more than limit + burst start. `burst` is a tenth of a second's worth unless given.
 */
export type Rate = { readonly limit: number; readonly per: RateUnit; readonly burst?: number };
export const rateUnits = ["second", "minute", "hour"] as const;
export type RateUnit = (typeof rateUnits)[number];

/** What handlers need besides Postgres and NATS. A kind whose need is away waits, and burns no tries. */
export const downstreams = ["smtp", "search", "payments", "storage"] as const;
export type Downstream = (typeof downstreams)[number];

/**
 * How jobs of one key stand for one another (unique.ts). `until: "start"` (default): the next may be enqueued as soon as one
 * starts; `"end"`: when it has ended.
 */
export type Uniqueness =
  | { readonly mode: "drop" | "replace"; readonly until?: "start" | "end" }
  /** With the job's delay as the time of quiet that it waits for. */
  | { readonly mode: "debounce"; readonly maxWaitMs?: number };

/**
 * What every process knows about a kind of job. Contracts are data: the API validates with them, the topology is made
 * from them, pools obey them. Handlers live in `workers/jobs/`.
 */
export type Contract<S extends TSchema = TSchema> = {
  /** Stable dotted name, never a function's; part of subjects and of the ledger. */
  readonly kind: string;
  /** Version of the payload's shape; rises with each incompatible change. */
  readonly version: number;
  /** For each older version that may still lie in a queue: its payload as the next version has it. Pure functions. */
  readonly upcasts?: Readonly<Record<number, (payload: never) => unknown>>;
  /** Ids and small facts only: a payload never holds personal data (a test checks it). */
  readonly schema: S;
  readonly priority: Priority;
  /** Tries of the handler before the job is a dead letter; only started handlers count. */
  readonly maxTries: number;
  /** Wait before try n+1: a random time up to min(maxMs, baseMs × 2^(n-1)), never under half of it. */
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  /** A try that runs longer is aborted and counts as failed. */
  readonly timeoutMs: number;
  /** Jobs (batches, for a kind with `batch`) running at once in the whole cluster; the KV entry overrides it. */
  readonly cap: number;
  /** For a partner's quota; the KV entry overrides it. */
  readonly rate?: Rate;
  /** The service that its handler can't do without. */
  readonly needs?: Downstream;
  /** Jobs (batches) running at once in one process. */
  readonly concurrency: number;
  /** Messages that one process holds, running ones included. Equals `concurrency` for kinds over 100 ms. */
  readonly prefetch: number;
  /**
   * Set for kinds whose handler takes many jobs a call: up to `max`, or what came within `waitMs`. `apartMs`: while more
   * and more comes, what came since the last batch began so long ago; for kinds whose jobs are about the same things again and again.
   */
  readonly batch?: { readonly max: number; readonly waitMs: number; readonly apartMs?: number };
  /**
   * Jobs of this kind are unique by their key unless whoever enqueues says otherwise. Not for kinds that checkouts enqueue by
   * `bus.enqueue_each`: it makes each job without asking.
   */
  readonly unique?: Uniqueness;
  /** Days that the ledger keeps a job after its end; default {@link keepDays}. */
  readonly keepDays?: { readonly done: number; readonly dead: number };
  /** CPU-bound kinds: at most one running job per core of a machine, whatever the pool's size. */
  readonly perMachine?: "cores";
  /** The business key that people search the ledger by, such as `order:ord_…`. */
  key(payload: Static<S>): string;
};

/**
 * A job that ended well is of interest while somebody may ask what became of an order of last week; a dead one, and its
 * dead letter, as long as a quarter's books are open.
 */
export const keepDays = { done: 7, dead: 90 } as const;

export type Payload<C> = C extends Contract<infer S> ? Static<S> : never;

export function defineContract<S extends TSchema>(contract: Contract<S>): Contract<S> {
  return contract;
}

/** An id of ours with this prefix (platform/ids.ts), as a payload's schema. */
export function id(prefix: string): TString {
  return Type.String({ pattern: `^${prefix}_[0-9a-z]{8,48}$`, description: `id, ${prefix}_…` });
}
