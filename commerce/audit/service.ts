import { invalid } from "../../platform/errors.ts";
import { idBoundary, isId } from "../../platform/ids.ts";
import { type Db, ensurePartitions, type Sql } from "../../platform/postgres/index.ts";
import type { AuditEntry, AuditRecord } from "./model.ts";
import { type EntryFilter, insertEntries, selectEntries } from "./store.ts";

/**
 * Writes what an admin did, in the transaction that does it: the log tells of every change that happened and of none
 * that did not. An update that changed nothing is no entry.
 */
export async function recordAudit(tx: Sql, ...records: AuditRecord[]): Promise<void> {
  const telling = records.filter(
    ({ action, changes }) => action !== "update" || Object.keys(changes).length > 0,
  );
  if (telling.length > 0) await insertEntries(tx, telling);
}

export type AuditQuery = Omit<EntryFilter, "before"> & { cursor?: string | undefined };

/** Newest first. @throws Problem 422 for a made-up cursor. */
export async function listAudit(
  sql: Sql,
  storeId: string,
  { cursor, ...filter }: AuditQuery,
): Promise<{ items: AuditEntry[]; nextCursor: string | null }> {
  if (cursor !== undefined && !isId("aud", cursor)) {
    throw invalid([{ path: "cursor", message: "is not one that this list gave" }]);
  }
  const found = await selectEntries(sql, storeId, { ...filter, before: cursor, limit: filter.limit + 1 });
  const items = found.slice(0, filter.limit);
  return { items, nextCursor: found.length > filter.limit ? items.at(-1)!.id : null };
}

/** For keepers: makes the log's partitions of this month and the next ones. Safe to run in many processes. */
export function ensureAuditPartitions(sql: Db, now: Date): Promise<void> {
  return ensurePartitions(sql, {
    parent: "audit.entry",
    key: "id",
    period: "month",
    boundary: month => idBoundary("aud", month.getTime()),
    now,
  });
}
