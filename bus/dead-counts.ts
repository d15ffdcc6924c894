import type { Sql } from "../platform/postgres/index.ts";

/** Open dead letters of each kind that has any, most first. */
export function openDeadByKind(sql: Sql): Promise<{ kind: string; count: number }[]> {
  return sql<{ kind: string; count: number }[]>`
    SELECT kind, count(*)::int AS count FROM bus.dead WHERE status = 'open' GROUP BY kind ORDER BY 2 DESC, 1`;
}
