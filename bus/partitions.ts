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

/** For keepers: the ledger's partitions of today and the next days. Safe to run in many processes. */
export function ensureLedgerPartitions(sql: Db, now: Date): Promise<void> {
  return ensurePartitions(sql, {
    parent: "bus.job",
    key: "id",
    period: "day",
    boundary: day => firstIdAt(day.getTime()),
    now,
  });
}
