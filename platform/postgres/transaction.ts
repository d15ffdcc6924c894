import type { Db, Tx } from "./pool.ts";

const RETRIED = new Set(["40P01", "40001"]);
const TRIES = 5;

/** How often {@link transaction} repeated a unit of work in this process, for the metrics. */
export const deadlockRetries = { count: 0 };

/**
 * Runs `work` in one transaction; repeats it when Postgres chose it as a deadlock or serialization victim
 * (40P01, 40001), up to five times. `work` must therefore have no effect outside its `tx`.
 */
export async function transaction<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await db.begin(tx => work(tx as unknown as Tx))) as T;
    } catch (error) {
      if (attempt === TRIES || !RETRIED.has((error as { code?: string }).code ?? "")) throw error;
      deadlockRetries.count++;
      await Bun.sleep(Math.random() * 10 * attempt);
    }
  }
}
