/** What Postgres tells of itself: connections, and how far a replica is behind. */
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

/**
 * Seconds since the last transaction that a replica has replayed; 0 when it has replayed all that it received, so that a
 * quiet primary makes no lag.
 */
export async function replicaLagSeconds(replica: Sql): Promise<number> {
  const [row] = await replica<{ seconds: number }[]>`
    SELECT CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
                ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0) END::float8 AS seconds`;
  return row!.seconds;
}
