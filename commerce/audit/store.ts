/** All SQL of the module. */
import { newId } from "../../platform/ids.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import { traceId } from "../../platform/trace.ts";
import { type AuditEntry, type AuditRecord, presentable } from "./model.ts";

/** Entries in the form that the SQL function `audit.record(jsonb)` takes. */
export function auditRows(records: readonly AuditRecord[]) {
  return records.map(record => ({
    store_id: record.storeId,
    id: newId("aud"),
    actor: record.actor,
    action: record.action,
    entity: record.entity,
    entity_id: record.entityId,
    route: record.route ?? null,
    trace_id: record.traceparent ? traceId(record.traceparent) : null,
    changes: presentable(record.changes),
  }));
}

export async function insertEntries(tx: Sql, records: readonly AuditRecord[]): Promise<void> {
  await tx`SELECT audit.record(${tx.json(auditRows(records) as never)})`;
}

export type EntryFilter = {
  entity?: string | undefined;
  entityId?: string | undefined;
  actor?: string | undefined;
  action?: string | undefined;
  /** Id of the last entry of the page before. */
  before?: string | undefined;
  limit: number;
};

/** Newest first. */
export async function selectEntries(sql: Sql, storeId: string, filter: EntryFilter): Promise<AuditEntry[]> {
  const { entity, entityId, actor, action, before } = filter;
  return sql<AuditEntry[]>`
    SELECT id, actor, action, entity, entity_id AS "entityId", route, trace_id AS "traceId", changes, at
    FROM audit.entry
    WHERE store_id = ${storeId}
      ${entity === undefined ? sql`` : sql`AND entity = ${entity}`}
      ${entityId === undefined ? sql`` : sql`AND entity_id = ${entityId}`}
      ${actor === undefined ? sql`` : sql`AND actor = ${actor}`}
      ${action === undefined ? sql`` : sql`AND action = ${action}`}
      ${before === undefined ? sql`` : sql`AND id < ${before}`}
    ORDER BY id DESC LIMIT ${filter.limit}`;
}
