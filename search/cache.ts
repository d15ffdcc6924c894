/**
 * Answers of this node, given again as long as nothing has changed in the store's search. The tag of an answer is the
 * generation of its store (search.content): it rises with every change that the engine or the fallback has made, so any
 * change of a store makes all its answers old, as it may bring a product into any of them.
 *
 * An answer is tagged with the generation that was read before it was made: a change in between makes it old at once. A
 * node reads the generation at most every {@link TRUSTED_MS}; that much older an answer may be than one that is made
 * anew. Who asks for what is being made waits for it; what fails is not kept.
 */
import { lookup } from "../platform/lookup.ts";
import type { Db } from "../platform/postgres/index.ts";
import { selectGeneration } from "./query.store.ts";

const TRUSTED_MS = 250;
const MAX_AGE_MS = 60_000;
/** Sum of the weights of all answers; one of 24 hits is about 50 KB. */
const MAX_WEIGHT = 25_000;

const generationOf = lookup(selectGeneration, { ttlMs: TRUSTED_MS });

export type Kept<T> = {
  readonly value: T;
  /** Roughly, in hits. */
  readonly weight: number;
  /** Default {@link MAX_AGE_MS}. */
  readonly maxAgeMs?: number;
};

type Entry<T> = {
  readonly generation: number;
  readonly kept: Promise<Kept<T>>;
  until: number;
  weight: number;
};

export class AnswerCache<T> {
  readonly #sql: Db;
  readonly #entries = new Map<string, Entry<T>>();
  #weight = 0;

  constructor(sql: Db) {
    this.#sql = sql;
  }

  /** `hit`: nothing had to be asked for it. */
  async get(storeId: string, key: string, make: () => Promise<Kept<T>>): Promise<{ value: T; hit: boolean }> {
    const generation = await generationOf(this.#sql, storeId);
    const whole = `${storeId} ${key}`;
    const known = this.#entries.get(whole);
    if (known && known.generation === generation && known.until > performance.now()) {
      return { value: (await known.kept).value, hit: true };
    }
    this.#drop(whole);
    const entry = { generation, kept: make(), until: Number.POSITIVE_INFINITY, weight: 1 };
    this.#entries.set(whole, entry);
    this.#weight += 1;
    try {
      const { value, weight, maxAgeMs = MAX_AGE_MS } = await entry.kept;
      if (this.#entries.get(whole) === entry) this.#settle(entry, weight, maxAgeMs);
      return { value, hit: false };
    } catch (error) {
      if (this.#entries.get(whole) === entry) this.#drop(whole);
      throw error;
    }
  }

  #settle(entry: Entry<T>, weight: number, maxAgeMs: number): void {
    entry.until = performance.now() + maxAgeMs;
    this.#weight += weight;
    entry.weight += weight;
    // Oldest first: a Map keeps the order of insertion.
    for (const key of this.#entries.keys()) {
      if (this.#weight <= MAX_WEIGHT) return;
      this.#drop(key);
    }
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
  }
}
