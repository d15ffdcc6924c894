/**
 * How far servers are: bytes of write-ahead log since its beginning, exact up to nine petabytes of it (2^53).
 *
 * Of the primary it is how far the log is flushed, which a commit waits for before anybody sees it; without that wait
 * (`synchronous_commit = off`) how far it is written. The end of what is flushed may lie within a record; then a replica reaches
 * it with the next record, and seems to be behind until then.
 */
import type { Sql } from "../postgres/index.ts";

/** Everything whose commit was seen by anybody before this was asked lies before `position`. */
export type Primary = { position: number; system: string };

export async function selectPrimary(sql: Sql): Promise<Primary> {
  const [row] = await sql<[Primary]>`
    SELECT (CASE current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn()
                 ELSE pg_current_wal_flush_lsn() END - '0/0'::pg_lsn)::bigint AS position,
      (SELECT system_identifier::text FROM pg_control_system()) AS system`;
  return row;
}

export type Standby = {
  /** False: it is a server of its own, perhaps since a failover. */
  isStandby: boolean;
  /** Everything before it is seen by what is read from now on; null: nothing was replayed yet. */
  position: number | null;
  /** The same as the primary's where it is a copy of it. */
  system: string;
};

export async function selectStandby(sql: Sql): Promise<Standby> {
  const [row] = await sql<[Standby]>`
    SELECT pg_is_in_recovery() AS "isStandby", (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint AS position,
      (SELECT system_identifier::text FROM pg_control_system()) AS system`;
  return row;
}
