/**
 * The ledger has a partition per day. Job ids are UUIDv7, whose first 48 bits are milliseconds, so a day is a range of
 * ids. Keepers make the partitions of today and the next days; until then rows would land in the default partition,
 * which stays empty while a keeper runs.
 */
import { type Db, transactionOnce } from "../platform/postgres/index.ts";

const DAY_MS = 86_400_000;
const DAYS_AHEAD = 3;
const LOCK = 7_214_002;

/** The least UUIDv7-ordered id of a millisecond. */
export function firstIdAt(ms: number): string {
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
}

/** Makes missing partitions. Safe to run in many processes. */
export async function ensurePartitions(sql: Db, now: Date): Promise<void> {
  const today = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  await transactionOnce(sql, async tx => {
    await tx`SELECT pg_advisory_xact_lock(${LOCK})`;
    for (let day = 0; day <= DAYS_AHEAD; day++) {
      const from = today + day * DAY_MS;
      const name = `job_${new Date(from).toISOString().slice(0, 10).replaceAll("-", "")}`;
      await tx.unsafe(
        `CREATE TABLE IF NOT EXISTS bus.${name} PARTITION OF bus.job
         FOR VALUES FROM ('${firstIdAt(from)}') TO ('${firstIdAt(from + DAY_MS)}')`,
      );
    }
  });
}
