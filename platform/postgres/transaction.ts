import type { Db, Tx } from "./pool.ts";

const RETRIED = new Set(["40P01", "40001"]);
const TRIES = 5;

/**
 * A row was on its way to the default partition while the one that it belongs to was made (partitions.ts): it waited for that, and is
 * refused then. Of all check violations only this one names no constraint.
 */
export function isBesideNewPartition(error: unknown): boolean {
  const { code, constraint_name } = error as { code?: string; constraint_name?: string };
  return code === "23514" && constraint_name === undefined;
}

const passes = (error: unknown) =>
  RETRIED.has((error as { code?: string }).code ?? "") || isBesideNewPartition(error);

/** How often {@link retried} repeated a unit of work in this process, for the metrics. */
export const deadlockRetries = { count: 0 };

/** The connection of a transaction was lost, and with it the transaction; the statement was not sent. */
export class TransactionLost extends Error {
  override name = "TransactionLost";
}

/**
 * Runs `work` in one transaction, once. When its connection is lost this rejects at once, though `work` may be busy
 * elsewhere; it finds every further statement on its `tx` refused. (The driver would send them, and the closing COMMIT
 * or ROLLBACK, on whatever connection has taken the place of the lost one, where answers then reach the wrong queries.
 * Another half of that guard is `patches/postgres@…`.)
 */
export async function transactionOnce<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  let isOver = false;
  const guarded = async (tx: Tx): Promise<T> => {
    const held = new Proxy(tx, {
      apply(target, self, args) {
        if (isOver) throw new TransactionLost("the connection of this transaction is gone");
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

/**
 * Runs `work` in one transaction; repeats it when Postgres chose it as a deadlock or serialization victim
 * (40P01, 40001), or a partition was made under it, up to five times. `work` must therefore have no effect outside its `tx`.
 */
export function transaction<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  return retried(() => transactionOnce(db, work));
}

/**
 * Repeats a single statement that is a transaction by itself, as {@link transaction} repeats several: one round trip
 * instead of three.
 */
export async function retried<T>(statement: () => PromiseLike<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await statement();
    } catch (error) {
      if (attempt === TRIES || !passes(error)) throw error;
      deadlockRetries.count++;
      await Bun.sleep(Math.random() * 10 * attempt);
    }
  }
}

/** True when Postgres itself refused the statement, which was then rolled back; false when its outcome is open. */
export function isRefusedStatement(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: string };
  // Class 57: the server or an operator ended the connection; 08: it was lost.
  return name === "PostgresError" && /^[0-9A-Z]{5}$/.test(code ?? "") && !/^(57P|08)/.test(code!);
}
