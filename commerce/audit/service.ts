import { idBoundary } from "../../platform/ids.ts";
import { idCursor, type Page, pageOf } from "../../platform/page.ts";
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
): Promise<Page<AuditEntry>> {
  const before = idCursor("aud", cursor);
  return pageOf(
    await selectEntries(sql, storeId, { ...filter, before, limit: filter.limit + 1 }),
    filter.limit,
  );
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
