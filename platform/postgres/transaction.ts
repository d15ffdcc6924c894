import type { Db, Tx } from "./pool.ts";

const RETRIED = new Set(["40P01", "40001"]);
const TRIES = 5;

/** How often {@link retried} repeated a unit of work in this process, for the metrics. */
export const deadlockRetries = { count: 0 };

/**
 * Runs `work` in one transaction; repeats it when Postgres chose it as a deadlock or serialization victim
 * (40P01, 40001), up to five times. `work` must therefore have no effect outside its `tx`.
 */
export function transaction<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  return retried(() => db.begin(tx => work(tx as unknown as Tx)) as Promise<T>);
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
      if (attempt === TRIES || !RETRIED.has((error as { code?: string }).code ?? "")) throw error;
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
