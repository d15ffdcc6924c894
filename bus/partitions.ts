/**
 * The ledger has a partition per day. Job ids are UUIDv7, whose first 48 bits are milliseconds, so a day is a range of
 * ids.
 */
import { type Db, ensurePartitions } from "../platform/postgres/index.ts";

/** The least UUIDv7-ordered id of a millisecond. */
export function firstIdAt(ms: number): string {
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
}

const byId = (day: Date) => firstIdAt(day.getTime());

/** Tables with a partition a day, which retention.ts drops. */
const parents = [
  { parent: "bus.job", key: "id", boundary: byId },
  { parent: "bus.job_try", key: "job_id", boundary: byId },
  { parent: "bus.request", key: "at", boundary: (day: Date) => day.toISOString() },
] as const;

/** For keepers: the ledger's partitions of today and the next days. Safe to run in many processes. */
export async function ensureLedgerPartitions(sql: Db, now: Date): Promise<void> {
  for (const table of parents) await ensurePartitions(sql, { ...table, period: "day", now });
}
