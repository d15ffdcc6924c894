/**
 * What is asked for, from memory, from the shared layer, or made anew: by one at a time in this process, and by one process
 * at a time where the shared layer answers.
 */

import type { Db } from "../postgres/index.ts";
import type { Copies } from "./copies.ts";
import type { Follower } from "./follower.ts";
import type { Entry, Fence, Found, Layer } from "./layer.ts";
import type { Memory, Slot } from "./memory.ts";
import type { CacheMetrics, Outcome } from "./metrics.ts";
import type { Turns } from "./turns.ts";

/** How long entries of one kind live; see the table of whoever makes them. */
export type Family = {
  readonly name: string;
  readonly freshMs: number;
  /** Given while it is made anew, after its time. */
  readonly staleMs: number;
  /** Given when it can't be made anew, after its time. */
  readonly errorMs: number;
  /** Kept in the memory of each process and never in the shared layer: a person's data, which are forgotten with it. */
  readonly isLocal?: boolean;
};

export type Loaded = {
  readonly text: string;
  readonly tags: readonly string[];
  /** From now on: when it becomes wrong by the clock. */
  readonly wrongInMs?: number | null;
};

export type Ask = {
  readonly key: string;
  readonly family: Family;
  /** Makes it of what stands in a replica; null: in the primary. */
  readonly load: (replica: Db | null) => Promise<Loaded>;
};

export type Given<V> = {
  readonly slot: Slot<V>;
  readonly outcome: Outcome;
};

const JITTER = 0.1;
/** -ln(random) is below it but for one in 22,000. */
const EARLIEST = 10;
/** What making it may be waited for while another process does. */
const WAIT_MS = 250;
const WAIT_STEP_MS = 15;
/** What writing to the shared layer may take, in which nobody counts. */
const MARGIN_MS = 100;

type Flight<V> = {
  readonly fence: Fence;
  /** Of the entry that was there before; null: there was none. */
  readonly tags: readonly string[] | null;
  readonly made: Promise<Given<V>>;
};

export type CacheDeps<V> = {
  readonly memory: Memory<V>;
  readonly shared: Layer | null;
  readonly follower: Pick<Follower, "trustedUntil" | "distrusts">;
  readonly metrics: CacheMetrics;
  /** Where it may be read instead of the primary. */
  readonly copies?: Copies | null;
  /** How many are made of the primary at once. */
  readonly turns: Turns;
  /** What a failure must be for an old entry to stand in: not that what was asked for is gone. */
  readonly isOutage: (error: unknown) => boolean;
  /** Around what is made of the primary; fails where that says nothing. */
  readonly unlessAway?: (<T>(work: () => Promise<T>) => Promise<T>) | undefined;
  readonly random?: () => number;
  /** The memory's; default `performance.now`. */
  readonly now?: () => number;
};

export class Cache<V> {
  readonly #deps: CacheDeps<V>;
  readonly #flights = new Map<string, Flight<V>>();
  readonly #random: () => number;
  readonly #now: () => number;

  constructor(deps: CacheDeps<V>) {
    this.#deps = deps;
    this.#random = deps.random ?? Math.random;
    this.#now = deps.now ?? (() => performance.now());
  }

  /** What is in memory and may be given without a second thought; undefined: ask {@link get}. */
  hot(key: string): Slot<V> | undefined {
    const slot = this.#deps.memory.slot(key);
    return slot && this.isHot(slot, this.#now()) ? slot : undefined;
  }

  /** Whether this very entry may still be given so. */
  isHot(slot: Slot<V>, now: number): boolean {
    return !slot.dead && now < earlyFrom(slot) && now < this.#deps.follower.trustedUntil;
  }

  /** Counts that this entry was given to somebody who did not ask {@link get}. */
  hotCount({ name }: Family, slot: Slot<V>): () => void {
    const hits = this.#deps.metrics.hits(name);
    return () => {
      slot.used = true;
      slot.read = true;
      hits.inc();
    };
  }

  async get(ask: Ask): Promise<Given<V>> {
    const { memory, follower, metrics } = this.#deps;
    const slot = memory.slot(ask.key);
    const now = this.#now();
    const isTrusted = now < follower.trustedUntil;
    if (slot && isTrusted && now < slot.staleUntil) {
      const outcome = now < slot.freshUntil ? "hit" : "stale";
      if (outcome === "stale" || this.#isEarly(slot, now)) void this.#make(ask, slot).catch(() => {});
      metrics.given(ask.family.name, outcome, "memory");
      return { slot, outcome };
    }
    try {
      const given = await this.#make(ask, slot);
      metrics.given(ask.family.name, given.outcome, given.outcome === "hit" ? "shared" : undefined);
      return given;
    } catch (error) {
      // While the log can't be read nobody knows whether it is old; with the database away nobody can have changed it.
      const isKept =
        slot && !slot.dead && !slot.outdated && this.#now() < slot.freshUntil + ask.family.errorMs;
      if (!isKept || !this.#deps.isOutage(error)) throw error;
      metrics.given(ask.family.name, "stale", "memory");
      return { slot, outcome: "stale" };
    }
  }

  /**
   * Whether it is made anew before its time, by chance: likelier the nearer its end is and the longer making it takes. So one
   * of many readers does, and not all of them when the time is over. (Vattani, Chierichetti, Lowenstein: Optimal
   * Probabilistic Cache Stampede Prevention, VLDB 2015: `now − cost · β · ln(random) ≥ end`, β = 1.)
   */
  #isEarly({ entry, freshUntil }: Slot<V>, now: number): boolean {
    return now - entry.costMs * Math.log(1 - this.#random()) >= freshUntil;
  }

  /** Joins who makes it already, unless something that it is made of has changed since that one began. */
  #make(ask: Ask, before: Slot<V> | undefined): Promise<Given<V>> {
    const { memory } = this.#deps;
    const under = this.#flights.get(ask.key);
    if (under && !memory.isOvertaken(under.fence, under.tags)) return under.made;
    const fence = memory.fence();
    const made = this.#fill(ask, fence, before);
    const flight: Flight<V> = { fence, tags: before?.entry.tags ?? null, made };
    this.#flights.set(ask.key, flight);
    const over = () => {
      if (this.#flights.get(ask.key) === flight) this.#flights.delete(ask.key);
    };
    made.then(over, over);
    return made;
  }

  async #fill(ask: Ask, fence: Fence, before: Slot<V> | undefined): Promise<Given<V>> {
    const { shared, metrics } = this.#deps;
    const { found, fence: sharedFence } = await this.#lookShared(ask, before);
    if (found) return { slot: this.#keep(ask, found.entry, fence, found.ageMs).slot, outcome: "hit" };
    const startedAt = this.#now();
    try {
      const copied = (await this.#deps.copies?.read(ask.key, ask.load)) ?? null;
      const { turns, unlessAway = now } = this.#deps;
      const loaded = copied?.found ?? (await unlessAway(() => turns.take(() => ask.load(null))));
      const costMs = this.#now() - startedAt;
      const entry = this.#entryOf(ask.family, loaded, costMs);
      const { slot, isRefused } = this.#keep(ask, entry, copied?.fence ?? fence, costMs);
      metrics.filled(ask.family.name, costMs / 1_000, !isRefused);
      if (shared && sharedFence) {
        if (isRefused || copied?.mark === null) void shared.release(ask.key, sharedFence);
        else void shared.put(ask.key, shortenedBy(entry, costMs), sharedFence, copied?.mark);
      }
      return { slot, outcome: "miss" };
    } catch (error) {
      if (shared && sharedFence) void shared.release(ask.key, sharedFence);
      throw error;
    }
  }

  /** What others have made, or are making just now; else the fence to write with. */
  async #lookShared(
    { key, family }: Ask,
    before: Slot<V> | undefined,
  ): Promise<{ found: Found | null; fence: Fence | null }> {
    const { shared, follower } = this.#deps;
    if (!shared || family.isLocal || follower.distrusts(null)) return { found: null, fence: null };
    for (const until = performance.now() + WAIT_MS; ; ) {
      const { found, fence, lead } = await shared.look(key);
      if (found) {
        // What is made anew before its time is not asked for where it is kept.
        const isGood = found.ageMs < found.entry.freshMs && !isSame(found.entry, before);
        return { found: isGood && !follower.distrusts(found.entry.tags) ? found : null, fence };
      }
      if (lead || performance.now() > until) return { found, fence };
      await Bun.sleep(WAIT_STEP_MS);
    }
  }

  #keep({ key }: Ask, entry: Entry, fence: Fence, ageMs: number): { slot: Slot<V>; isRefused: boolean } {
    const kept = this.#deps.memory.keep(key, entry, fence, ageMs);
    return { slot: kept ?? this.#deps.memory.passing(key, entry), isRefused: kept === undefined };
  }

  #entryOf({ freshMs, staleMs }: Family, { text, tags, wrongInMs }: Loaded, costMs: number): Entry {
    const life = freshMs * (1 + JITTER * (2 * this.#random() - 1));
    // It was read at some moment since its making began; that its end is counted from the beginning is on the safe side.
    const most = wrongInMs == null ? Number.POSITIVE_INFINITY : Math.max(0, wrongInMs - MARGIN_MS);
    return {
      ...{ text, tags, costMs },
      freshMs: Math.min(life, most),
      staleMs: Math.min(life + staleMs, most),
    };
  }
}

const now = <T>(work: () => Promise<T>) => work();

/** As it is to be kept where its age is counted from its writing. */
const shortenedBy = (entry: Entry, ms: number): Entry => ({
  ...entry,
  freshMs: entry.freshMs - ms,
  staleMs: entry.staleMs - ms,
});

const isSame = (entry: Entry, before: Slot | undefined) =>
  before !== undefined && !before.dead && before.entry.text === entry.text;

/** From here on chance decides whether it is made anew. */
const earlyFrom = ({ entry, freshUntil }: Slot) => freshUntil - EARLIEST * entry.costMs;
