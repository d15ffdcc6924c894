import type { Db, Sql } from "../platform/postgres/index.ts";

/**
 * Runs `work` while this process alone, in the whole cluster, may change the index of a store. The lock belongs to a
 * connection of its own: it ends with the process or the connection, whatever happens, and no transaction stays open
 * (which would hold back vacuum). `work` must do its SQL on the connection that it is given: then a lost connection, and
 * with it a lost lock, fails the work as well.
 */
export async function withIndexLock<T>(db: Db, storeId: string, work: (held: Sql) => Promise<T>): Promise<T> {
  const held = await db.reserve();
  const key = `search:${storeId}`;
  try {
    await held`SELECT pg_advisory_lock(hashtextextended(${key}, 0))`;
    return await work(held as unknown as Sql);
  } finally {
    await held`SELECT pg_advisory_unlock(hashtextextended(${key}, 0))`.catch(() => {});
    held.release();
  }
}
