import { type Db, type Tx, transactionOnce } from "../platform/postgres/index.ts";

/**
 * Runs `work` in a transaction while this process alone, in the whole cluster, may change the index of a store. The lock
 * ends with the transaction: with the process or the connection too, whatever happens. `work` must do its SQL on what it
 * is given; who lost the connection, and with it the lock, then can't record anything.
 */
export function withIndexLock<T>(db: Db, storeId: string, work: (held: Tx) => Promise<T>): Promise<T> {
  return transactionOnce(db, async held => {
    await held`SELECT pg_advisory_xact_lock(hashtextextended(${`search:${storeId}`}, 0))`;
    return work(held);
  });
}
