import type { Sql } from "../postgres/index.ts";
import type { Alert, AlertState, Finding, Severity } from "./model.ts";

const columns = (sql: Sql) => sql`
  id, rule, subject, severity, state, summary, value, since, fired_at AS "firedAt", resolved_at AS "resolvedAt"`;

export async function noteAlerts(sql: Sql, findings: readonly Finding[], quietMs: number): Promise<void> {
  await sql`SELECT platform.note_alerts(${sql.json(findings as never)}, ${quietMs})`;
}

export type AlertFilter = {
  state?: AlertState | undefined;
  severity?: Severity | undefined;
  before: string | null;
  limit: number;
};

export async function selectAlerts(sql: Sql, filter: AlertFilter): Promise<Alert[]> {
  const { state, severity, before, limit } = filter;
  return sql<Alert[]>`
    SELECT ${columns(sql)} FROM platform.alert
    WHERE true ${state === undefined ? sql`` : sql`AND state = ${state}`}
      ${severity === undefined ? sql`` : sql`AND severity = ${severity}`}
      ${before === null ? sql`` : sql`AND id < ${before}`}
    ORDER BY id DESC LIMIT ${limit}`;
}

/** Fired or resolved alerts that the webhook has not been told, oldest first. */
export async function selectUntold(sql: Sql, limit: number): Promise<Alert[]> {
  return sql<Alert[]>`
    SELECT ${columns(sql)} FROM platform.alert
    WHERE state <> 'pending' AND told IS DISTINCT FROM state ORDER BY id LIMIT ${limit}`;
}

/** One that changed its state meanwhile is told again. */
export async function markTold(sql: Sql, alerts: readonly Alert[]): Promise<void> {
  await sql`
    UPDATE platform.alert a SET told = t.state
    FROM unnest(${alerts.map(one => one.id)}::uuid[], ${alerts.map(one => one.state)}::text[]) AS t(id, state)
    WHERE a.id = t.id`;
}

export async function deleteResolved(sql: Sql, days: number, limit: number): Promise<number> {
  const rows = await sql`
    DELETE FROM platform.alert WHERE id IN (
      SELECT id FROM platform.alert
      WHERE state = 'resolved' AND resolved_at < now() - ${days} * interval '1 day'
      ORDER BY resolved_at LIMIT ${limit})
    RETURNING 1`;
  return rows.length;
}
