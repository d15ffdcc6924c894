/**
 * What is kept may be read from a replica that is behind, and nobody is given what was replaced.
 *
 * A fence says that what was read has every change that was invalidated before it. Who reads from the primary takes the
 * fences first and reads then. Who reads from a replica must have taken them *before what the replica shows was the newest*: so
 * with each moment of the primary (platform/replicas) the fences of both layers are taken, and only then is the primary asked
 * how far it is. What was invalidated before such a fence was committed before it; its commit lies before that position; and a replica
 * that has replayed as far as the position shows it. Hence:
 *
 * - What is read from a replica is fenced by the last moment that it has reached. When one of its tags was invalidated since, in
 *   memory or in Redis, each layer refuses it as it refuses a slow reader.
 * - What memory refuses is not given to anybody either, but read again from the primary: a replica that lacks the change
 *   that somebody was told of is no slow reader whom nothing was promised. So it is with all that goes wrong there, "not found" included.
 * - What this process has not heard of yet may be missing too, as in memory: a second's worth of it. Therefore replicas
 *   are read only while the log of changes counts as read (follower.ts).
 * - An entry that an invalidation took from memory since that moment would only be read to be refused: it is not asked for.
 *
 * ## Crashes, at each step
 *
 * - Redis can't be asked for its fence, or was wiped since (its epoch is another one): what is read is kept in memory alone.
 * - the moment is not finished, as the primary does not answer: no replica has reached it.
 * - the replica dies, comes back with less, or replays no more: platform/replicas/index.ts.
 * - a settle that failed, a log that was not read for long: memory was cleared, which refuses every fence before.
 */
import type { Db } from "../postgres/index.ts";
import type { Moment, Replicas } from "../replicas/index.ts";
import type { Follower } from "./follower.ts";
import type { Fence, Layer, Mark } from "./layer.ts";
import type { Memory } from "./memory.ts";

type Fences = { readonly memory: Fence; readonly shared: Mark | null };

export type Copied<T> = {
  readonly found: T;
  /** Of the shared layer; null: nothing may be written there. */
  readonly mark: Mark | null;
  readonly fence: Fence;
};

export type Copies = {
  /** Null: what is asked for must be read from the primary. */
  read<T extends { readonly tags: readonly string[] }>(
    key: string,
    work: (sql: Db) => Promise<T>,
  ): Promise<Copied<T> | null>;
};

type CopiesDeps = {
  readonly replicas: Pick<Replicas, "beforeMoments" | "nearest" | "count">;
  readonly memory: Pick<Memory<unknown>, "fence" | "isOvertaken" | "isDroppedSince">;
  readonly shared: Layer | null;
  readonly follower: Pick<Follower, "trustedUntil">;
};

export function openCopies({ replicas, memory, shared, follower }: CopiesDeps): Copies {
  const fences = new WeakMap<Moment, Fences>();
  replicas.beforeMoments(async moment => {
    const own = memory.fence();
    fences.set(moment, { memory: own, shared: (await shared?.mark()) ?? null });
  });

  function nearest(key: string) {
    if (performance.now() > follower.trustedUntil) return null;
    const near = replicas.nearest();
    const since = near && fences.get(near.moment);
    return since && !memory.isDroppedSince(since.memory, key) ? { read: near.read, since } : null;
  }

  return {
    async read(key, work) {
      const near = nearest(key);
      if (!near) {
        replicas.count("kept", "primary");
        return null;
      }
      try {
        const found = await near.read(work);
        const isOvertaken = memory.isOvertaken(near.since.memory, found.tags);
        replicas.count("kept", isOvertaken ? "overtaken" : "replica");
        return isOvertaken ? null : { found, fence: near.since.memory, mark: near.since.shared };
      } catch {
        replicas.count("kept", "failed");
        return null;
      }
    },
  };
}
