/** All SQL of the module. */
import { newId } from "../../platform/ids.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import { traceId } from "../../platform/trace.ts";
import { type AuditEntry, type AuditRecord, presentable } from "./model.ts";

export async function insertEntries(tx: Sql, records: readonly AuditRecord[]): Promise<void> {
  const rows = records.map(record => ({
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
  await tx`
    INSERT INTO audit.entry (store_id, id, actor, action, entity, entity_id, route, trace_id, changes, at)
    SELECT r.store_id, r.id, r.actor, r.action, r.entity, r.entity_id, r.route, r.trace_id, r.changes, now()
    FROM jsonb_to_recordset(${tx.json(rows as never)}) AS r (store_id text, id text, actor text, action text,
      entity text, entity_id text, route text, trace_id text, changes jsonb)`;
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
