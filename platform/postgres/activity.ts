/** What Postgres tells of its connections. */
import type { Sql } from "./pool.ts";

export type Connections = {
  by: { application: string; state: string; count: number }[];
  /** All of them over `max_connections`, 0 to 1. */
  ratio: number;
};

export async function connectionsInUse(sql: Sql): Promise<Connections> {
  const by = await sql<{ application: string; state: string; count: number }[]>`
    SELECT application_name AS application, coalesce(state, 'unknown') AS state, count(*)::int AS count
    FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1, 2 ORDER BY 1, 2`;
  const [limit] = await sql<{ most: number }[]>`SELECT current_setting('max_connections')::int AS most`;
  return { by, ratio: by.reduce((sum, one) => sum + one.count, 0) / limit!.most };
}
