/**
 * At most one CPU-bound job per core of this machine, over all worker processes on it: a slot is a Postgres session
 * advisory lock on (host, slot). A process that dies frees its slots with its connection.
 */
import { availableParallelism, hostname } from "node:os";
import { connect, type Db } from "../platform/postgres/index.ts";

const POLL_MS = 50;

export type MachineSlots = {
  /** Waits for a free slot; call the result to give it back. @throws when `signal` aborts first. */
  acquire(signal: AbortSignal): Promise<() => Promise<void>>;
  close(): Promise<void>;
};

export function openMachineSlots(
  databaseUrl: string,
  slots = availableParallelism(),
  host = hostname(),
): MachineSlots {
  let connection: Db | undefined;
  // Session locks are re-entrant: what this process holds is not asked for again.
  const mine = new Set<number>();

  async function tryOne(sql: Db): Promise<number | null> {
    for (let slot = 0; slot < slots; slot++) {
      if (mine.has(slot)) continue;
      mine.add(slot);
      const [row] = await sql<{ taken: boolean }[]>`
        SELECT pg_try_advisory_lock(hashtext(${`tradewind slots of ${host}`}), ${slot}::int) AS taken`.catch(
        error => {
          mine.delete(slot);
          throw error;
        },
      );
      if (row!.taken) return slot;
      mine.delete(slot);
    }
    return null;
  }

  async function free(sql: Db, slot: number): Promise<void> {
    await sql`SELECT pg_advisory_unlock(hashtext(${`tradewind slots of ${host}`}), ${slot}::int)`.catch(
      () => {},
    );
    mine.delete(slot);
  }

  return {
    async acquire(signal) {
      connection ??= connect(databaseUrl, { max: 1, application: "tradewind slots", holdsLocks: true });
      const sql = connection;
      for (;;) {
        signal.throwIfAborted();
        const slot = await tryOne(sql);
        if (slot !== null) return () => free(sql, slot);
        await Bun.sleep(POLL_MS);
      }
    },
    async close() {
      await connection?.end({ timeout: 1 });
    },
  };
}
