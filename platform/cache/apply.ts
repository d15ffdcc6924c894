/** The keeper's part: what was changed and not seen to by who changed it. Any number of keepers may run. */
import { type Db, transaction } from "../postgres/index.ts";
import { condense, forgetApplied, markApplied, takeOpen } from "./changes.store.ts";
import type { InvalidationChannel } from "./channel.ts";
import { EVERYTHING, KEPT_MS } from "./follower.ts";
import type { RedisLayer } from "./redis.ts";

const BATCH = 200;
/** Changes that may be open while the shared layer is away, before all of it is written off. */
const MOST_OPEN = 5_000;
const FORGET_BATCH = 20_000;

export type ApplyDeps = {
  readonly sql: Db;
  /** Null: there is none. */
  readonly shared: RedisLayer | null;
  readonly channel: InvalidationChannel;
};

/** Replaces the versions of changed tags in the shared layer, tells the nodes, and returns how many changes that were. */
export async function applyChanges({ sql, shared, channel }: ApplyDeps): Promise<number> {
  let total = 0;
  for (let count = BATCH; count === BATCH; total += count) {
    // The rows are held while Redis is asked, for its time-out at most.
    count = await transaction(sql, async tx => {
      const open = await takeOpen(tx, BATCH);
      if (open.length === 0) return 0;
      const ids = open.map(one => one.id);
      const tags = [...new Set(open.flatMap(one => one.tags))];
      if (shared && !(await applied(shared, tags))) {
        await condense(tx, MOST_OPEN, EVERYTHING);
        return 0;
      }
      await markApplied(tx, ids);
      channel.publish({ ids, tags: tags.filter(tag => tag !== EVERYTHING), applied: true });
      return open.length;
    });
  }
  await forgetApplied(sql, KEPT_MS, FORGET_BATCH);
  return total;
}

const applied = (shared: RedisLayer, tags: readonly string[]) =>
  tags.includes(EVERYTHING) ? shared.renew() : shared.invalidate(tags);
