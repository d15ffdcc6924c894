/**
 * What keeps the memory of one process true: it reads the log of changes every {@link POLL_MS}, hears of them sooner by the
 * channel, and knows which tags the shared layer may still have in an older version.
 */
import { groupedBy } from "../grouped.ts";
import type { Log } from "../log.ts";
import type { Db } from "../postgres/index.ts";
import {
  type Change,
  markApplied,
  type Read,
  readChanges,
  type Snapshot,
  selectOfTraces,
} from "./changes.store.ts";
import type { InvalidationChannel, Told } from "./channel.ts";
import type { Layer } from "./layer.ts";
import type { CacheMetrics } from "./metrics.ts";
import { createThrottle } from "./throttle.ts";

const POLL_MS = 300;
/** So long after the last reading began, what is in memory counts as true. */
const TRUST_MS = 950;
/** The log keeps changes for longer ({@link KEPT_MS}); who could not read it for so long begins anew, with nothing. */
const LOST_MS = 8_000;
export const KEPT_MS = 15_000;
/** Changes that are open, whose tags are looked at; beyond, the shared layer is not asked at all. */
const MOST_OPEN = 300;
/** A tag is distrusted until a reading that begins later than the one under way has had its say; longer than a reading counts. */
const DISTRUST_MS = TRUST_MS + POLL_MS;
/** Of a request that changed more, the keeper sees to the shared layer. */
const MOST_OWN_TAGS = 2_000;
const HANDLED_MS = 2 * KEPT_MS;
/** In the log: all of the shared layer. */
export const EVERYTHING = "*";

/** What a request has changed: most have changed nothing that is kept, so those that end at the same moment ask together. */
const changesOf = groupedBy((sql: Db) => ({
  max: 128,
  lanes: 2,
  isDefinite: () => false,
  run: (traces: readonly string[]) => selectOfTraces(sql, traces),
}));

export type FollowerDeps = {
  readonly sql: Db;
  /** To read the log by. */
  readonly watch: Db;
  readonly log: Log;
  readonly memory: {
    drop(tags: readonly string[]): number;
    outdate(tags: readonly string[]): number;
    clear(): void;
  };
  /** Null: there is none. */
  readonly shared: Layer | null;
  readonly channel: InvalidationChannel;
  readonly metrics: CacheMetrics;
};

export class Follower {
  readonly #deps: FollowerDeps;
  readonly #throttle = createThrottle(tags => this.#outdate(tags));
  readonly #unsubscribe: () => void;
  readonly #distrusted = new Map<string, number>();
  /** Changes that were open at the last reading. */
  #open: ReadonlyMap<number, readonly string[]> = new Map();
  /** Ids of changes that were heard of already; two generations. */
  #handled = new Set<number>();
  #handledBefore = new Set<number>();
  #turnedAt = performance.now();
  #distrustAllUntil = 0;
  #snapshot: Snapshot | null = null;
  #readAt = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #stopped = false;
  #failing = false;
  /** Resolves when the log was read for the first time. */
  readonly ready: Promise<void>;
  #isReady = () => {};

  constructor(deps: FollowerDeps) {
    this.#deps = deps;
    this.#unsubscribe = deps.channel.subscribe(told => this.#hear(told));
    this.ready = new Promise(resolve => {
      this.#isReady = resolve;
    });
    void this.#turn();
  }

  /** `performance.now()` until which what is in memory is true. */
  get trustedUntil(): number {
    return this.#readAt + TRUST_MS;
  }

  /** Whether the shared layer may have an older version of one of these; null: of anything at all. */
  distrusts(tags: readonly string[] | null): boolean {
    const now = performance.now();
    if (now > this.trustedUntil || now < this.#distrustAllUntil) return true;
    return tags?.some(tag => (this.#distrusted.get(tag) ?? 0) > now) ?? false;
  }

  get isStorm(): boolean {
    return this.#throttle.isStorm;
  }

  /**
   * Sees to what a request has changed, after its commit and before its answer: nothing older is given by this node from
   * now on. Never throws: then the log, the keeper and the other nodes' readings do what is left.
   */
  async settle(trace: string): Promise<void> {
    const { sql, shared, channel, memory, log } = this.#deps;
    try {
      const changes = await changesOf(sql, trace);
      if (changes.length === 0) return;
      const ids = changes.map(one => one.id);
      const tags = [...new Set(changes.flatMap(one => one.tags))];
      this.#note(ids);
      this.#throttle.count(tags.length);
      this.#drop(tags);
      this.#distrust(tags);
      const applied = shared === null || (tags.length <= MOST_OWN_TAGS && (await shared.invalidate(tags)));
      channel.publish({ ids, tags, applied });
      // The distrust lapses by itself: by now another change of these tags may be open.
      if (applied) await markApplied(sql, ids);
    } catch (error) {
      // Nothing is known of what was changed.
      memory.clear();
      this.#distrustAllUntil = performance.now() + DISTRUST_MS;
      log.warn({ err: error }, "a change was not settled in the cache; the keeper will see to it");
    }
  }

  /**
   * Tags that this process has just changed, before it answers: nothing older is given by it from now on. Their rows of the
   * log are followed like those of others. In a storm of one tag it is not at once any more, but as everywhere.
   */
  dropOwn(tags: readonly string[]): void {
    const own = this.#throttle.own(tags);
    this.#drop(own);
    if (this.#deps.shared) this.#distrust(own);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#throttle.stop();
    this.#unsubscribe();
  }

  async #turn(): Promise<void> {
    await this.#read().catch(error => {
      if (!this.#failing && !this.#stopped)
        this.#deps.log.warn(
          { err: error },
          "the log of changes can't be read; nothing is given from memory unasked",
        );
      this.#failing = true;
    });
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#turn(), POLL_MS);
    this.#timer.unref();
  }

  async #read(): Promise<void> {
    const startedAt = performance.now();
    // Which tags are distrusted matters to the shared layer only.
    const mostOpen = this.#deps.shared === null ? 0 : MOST_OPEN + 1;
    const known = [...this.#open.keys()];
    const { snapshot, fresh, open } = await readChanges(this.#deps.watch, this.#snapshot, mostOpen, known);
    if (this.#stopped) return;
    const isLost = this.#snapshot === null || startedAt - this.#readAt > LOST_MS;
    if (isLost) this.#deps.memory.clear();
    this.#failing = false;
    this.#snapshot = snapshot;
    // Before anything is given out on the strength of this reading.
    this.#take(fresh);
    this.#distrustOpen(open);
    this.#readAt = startedAt;
    this.#isReady();
  }

  #take(fresh: readonly Change[]): void {
    const unheard = fresh.filter(one => !this.#knows(one.id) && one.tags[0] !== EVERYTHING);
    if (unheard.length === 0) return;
    this.#note(unheard.map(one => one.id));
    const of = (soon: boolean) => [
      ...new Set(unheard.filter(one => one.soon === soon).flatMap(one => one.tags)),
    ];
    const [now, soon] = [of(false), of(true)];
    this.#throttle.count(now.length);
    this.#drop(now);
    this.#outdate(this.#throttle.offer(soon));
  }

  #distrustOpen(open: Read["open"]): void {
    if (this.#deps.shared === null) return;
    const now = performance.now();
    for (const [tag, until] of this.#distrusted) if (until < now) this.#distrusted.delete(tag);
    this.#open = new Map(open.map(({ id, tags }) => [id, tags ?? this.#open.get(id)!]));
    const tags = [...this.#open.values()];
    const all = open.length > MOST_OPEN || tags.some(([first]) => first === EVERYTHING);
    if (all) this.#distrustAllUntil = now + DISTRUST_MS;
    else for (const some of tags) this.#distrust(some);
  }

  #hear({ ids, tags, applied }: Told): void {
    if (ids.length > 0 && ids.every(id => this.#knows(id))) return;
    this.#note(ids);
    this.#throttle.count(tags.length);
    this.#drop(tags);
    if (!applied) this.#distrust(tags);
  }

  #drop(tags: readonly string[]): void {
    if (tags.length === 0) return;
    this.#deps.memory.drop(tags);
    this.#deps.metrics.invalidated(tags);
  }

  #outdate(tags: readonly string[]): void {
    if (tags.length === 0) return;
    this.#deps.memory.outdate(tags);
    this.#deps.metrics.invalidated(tags);
  }

  #distrust(tags: readonly string[]): void {
    const until = performance.now() + DISTRUST_MS;
    for (const tag of tags) this.#distrusted.set(tag, until);
  }

  #knows(id: number): boolean {
    return this.#handled.has(id) || this.#handledBefore.has(id);
  }

  #note(ids: readonly number[]): void {
    const now = performance.now();
    if (now > this.#turnedAt + HANDLED_MS) {
      this.#handledBefore = this.#handled;
      this.#handled = new Set();
      this.#turnedAt = now;
    }
    for (const id of ids) this.#handled.add(id);
  }
}
