import type { Db, Tx } from "../platform/postgres/index.ts";

class LockLost extends Error {
  override name = "LockLost";
}

/**
 * Runs `work` in a transaction while this process alone, in the whole cluster, may change the index of a store. The lock
 * ends with the transaction: with the process or the connection too, whatever happens. `work` must do its SQL on what it
 * is given; who lost the connection, and with it the lock, then can't record anything.
 *
 * A lost connection is thrown at once, though `work` may still be busy elsewhere. It finds every further statement
 * refused, and its end is ignored: the driver would send COMMIT or ROLLBACK on a socket that is gone and bring the
 * process down.
 */
export async function withIndexLock<T>(db: Db, storeId: string, work: (held: Tx) => Promise<T>): Promise<T> {
  let isOver = false;
  const guarded = async (tx: Tx): Promise<T> => {
    await tx`SELECT pg_advisory_xact_lock(hashtextextended(${`search:${storeId}`}, 0))`;
    const held = new Proxy(tx, {
      apply(target, self, args) {
        if (isOver) throw new LockLost("the connection that held the index lock is gone");
        return Reflect.apply(target, self, args);
      },
    });
    const [ended] = await Promise.allSettled([work(held)]);
    if (isOver) await new Promise<never>(() => {});
    if (ended.status === "rejected") throw ended.reason;
    return ended.value;
  };
  try {
    return (await db.begin(tx => guarded(tx as unknown as Tx))) as T;
  } finally {
    isOver = true;
  }
}
