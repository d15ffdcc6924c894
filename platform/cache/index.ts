/**
 * The cache: ready answers in the memory of each process (memory.ts), before a layer in Redis that all share (redis.ts), each
 * entry with the tags of what it was made of. Owns the table `platform.cache_change` and publishes
 * `platform.invalidate(tags, soon, trace)`. What is kept, for how long, and what makes it old is said elsewhere, as data.
 *
 * Always holds: after a change is committed and answered, no process gives the old value for longer than a second, and the
 * process that took the change not at all. Neither Redis nor NATS is needed for that; without them it is only dearer.
 *
 * ## The protocol
 *
 * 1. **Change.** The transaction that changes something writes a row into `cache_change` with the tags that are old now.
 * 2. **Settle.** The process that took the change reads its rows by their trace, before it answers: drops the tags from memory,
 *    replaces their versions in Redis, tells the others by the channel, and marks the rows as applied (follower.ts). Where
 *    even that would cost too much (stock, at each order) it drops the tags from its memory, and leaves the rest to 3 and 4.
 * 3. **Follow.** Every process reads the log every 300 ms, by what its last snapshot did not show, and drops what it has not
 *    heard of by the channel. What may show a moment later (`soon`) goes once in 700 ms a tag at most, and is given for a tenth
 *    of a second more, as stale, while it is made anew. Memory counts for 950 ms from the beginning of the last reading: when
 *    the log can't be read, each request goes to the database. (So reading has a connection of its own, with no requests before
 *    it.)
 * 4. **Apply.** Keepers do step 2 for rows that are still open: of jobs, of SQL, of who died (apply.ts). Applied rows stay
 *    for 15 s, longer than a process may go without reading before it forgets all that it has.
 *
 * A tag whose row is open is distrusted by every process that has read so: what Redis has under it is not looked at. So the
 * shared layer may be late, down or wiped; each process's own reading bounds what is given.
 *
 * **Slow readers.** Whoever makes an entry takes a fence first: the number of this process's last invalidation, and Redis's
 * count of its own. An entry is refused where one of its tags was invalidated after its fence. (Its tags are known only
 * when it is made, so all invalidations of the last 35 s are remembered; no statement runs longer.) What is read from a
 * replica has an older fence: copies.ts.
 *
 * ## Crashes, at each step
 *
 * - before the commit: no change and no row.
 * - between commit and settle: nobody was answered. The row is there; others follow it within 300 ms, a keeper applies it.
 * - between Redis and the mark: the keeper replaces the versions again, which costs a miss.
 * - a lost message of the channel: the log has the row.
 * - Redis away: what a process does not have is made of the database, some at a time (turns.ts). The row stays open, its tags distrusted. Above 5,000 such rows they become one of everything (`*`): the shared
 *   layer is not asked until its epoch could be renewed, which makes all in it old.
 * - Redis wiped: no versions, so no entry is believed; the epoch is another one, so nothing that was being made is written.
 * - Postgres away: nobody can change anything. Entries are given after their time, as stale, where making them anew fails.
 * - no keeper: rows stay open, and the processes go to the database instead of Redis.
 */
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Db } from "../postgres/index.ts";
import type { SharedRedis } from "../redis/index.ts";
import type { Replicas } from "../replicas/index.ts";
import { Cache } from "./cache.ts";
import { type InvalidationChannel, noChannel } from "./channel.ts";
import { openCopies } from "./copies.ts";
import { Follower } from "./follower.ts";
import type { Entry } from "./layer.ts";
import { Memory } from "./memory.ts";
import { createCacheMetrics } from "./metrics.ts";
import { openRedisLayer } from "./redis.ts";
import { Turns } from "./turns.ts";

export { type ApplyDeps, applyChanges } from "./apply.ts";
export type { Ask, Cache, Family, Given, Loaded } from "./cache.ts";
export { type InvalidationChannel, noChannel, type Told } from "./channel.ts";
export type { Entry } from "./layer.ts";
export type { Slot } from "./memory.ts";
export { openRedisLayer, type RedisLayer } from "./redis.ts";

const MAX_ENTRIES = 50_000;
const MAX_FILLS = 8;

export type CacheOptions<V> = {
  readonly sql: Db;
  /** A connection that requests don't wait in front of, to follow the log by; default `sql`. */
  readonly watch?: Db | undefined;
  /** Null: this process is alone with its memory. */
  readonly redis: SharedRedis | null;
  /** Of its keys there; tests have one of their own. */
  readonly redisPrefix?: string;
  /** Where entries may be made of, beside `sql`. */
  readonly replicas?: Replicas | null;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly channel?: InvalidationChannel;
  readonly maxBytes: number;
  readonly maxEntries?: number;
  /** How many entries are made of `sql` at once: fewer than it has connections. Default 8. */
  readonly maxFills?: number;
  /** What is given out, made once of each text. */
  readonly pack: (text: string, entry: Entry, family: string) => V;
  /** What a failure must be for an old entry to stand in. */
  readonly isOutage: (error: unknown) => boolean;
  /** Does what asks `sql`, or fails when that is known to say nothing. */
  readonly unlessAway?: <T>(work: () => Promise<T>) => Promise<T>;
};

export type ProcessCache<V> = {
  readonly cache: Cache<V>;
  /** Resolves when the log was read; before, everything is made anew. */
  readonly ready: Promise<void>;
  /** After a request's commit, before its answer. Never throws. */
  settle(trace: string): Promise<void>;
  /**
   * The same for a request that knows the tags of what it has changed, which may be late elsewhere (`soon`): costs no
   * question to the log.
   */
  dropOwn(tags: readonly string[]): void;
  /** `performance.now()` until which what is in memory may be given. */
  readonly trustedUntil: number;
  stop(): void;
};

/** The family of a key: what stands before its first colon. */
const familyOf = (key: string) => key.slice(0, key.indexOf(":"));

export function openCache<V>(options: CacheOptions<V>): ProcessCache<V> {
  const { sql, log, channel = noChannel, isOutage, unlessAway, replicas = null } = options;
  const memory: Memory<V> = new Memory<V>({
    maxBytes: options.maxBytes,
    maxEntries: options.maxEntries ?? MAX_ENTRIES,
    pack: (text, entry, key) => options.pack(text, entry, familyOf(key)),
    onDrop: (slot, unread) => metrics.dropped(familyOf(slot.key), unread),
  });
  const turns = new Turns(options.maxFills ?? MAX_FILLS);
  const metrics = createCacheMetrics(options.metrics, () => {
    return { ...memory.size, isStorm: follower.isStorm, waiting: turns.waiting };
  });
  const shared = options.redis && openRedisLayer(options.redis, options.redisPrefix);
  const follower: Follower = new Follower({
    ...{ sql, watch: options.watch ?? sql, log, memory, shared, channel, metrics },
  });
  const copies = replicas && openCopies({ replicas, memory, shared, follower });
  return {
    cache: new Cache({ memory, shared, follower, metrics, copies, turns, isOutage, unlessAway }),
    ready: follower.ready,
    settle: trace => follower.settle(trace),
    dropOwn: tags => follower.dropOwn(tags),
    get trustedUntil() {
      return follower.trustedUntil;
    },
    stop: () => follower.stop(),
  };
}
