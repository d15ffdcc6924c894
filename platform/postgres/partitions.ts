/**
 * Partitions by time. Rows whose partition does not exist yet land in the default partition and are moved when it is
 * made, so that a late keeper loses nothing and blocks nothing.
 *
 * Crash story: one transaction a partition; before its commit nothing has changed.
 */
import type { Db, Sql, Tx } from "./pool.ts";
import { transactionOnce } from "./transaction.ts";

const LOCK = 7_214_005;

/** Beginnings are in UTC; `digits` of a beginning's date name its partition. */
const periods = {
  day: {
    ahead: 3,
    digits: "2026-11-20".length,
    begin: (now: Date, ahead: number) =>
      Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + ahead),
  },
  month: {
    ahead: 2,
    digits: "2026-11".length,
    begin: (now: Date, ahead: number) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1),
  },
} as const;

export type TimePartitions = {
  /** Qualified name of the partitioned table; its default partition is called `<parent>_default`. */
  parent: string;
  /** The column that it is partitioned by. */
  key: string;
  period: keyof typeof periods;
  /** The least value of the column that belongs to the period that begins at `begin`. */
  boundary(begin: Date): string;
  now: Date;
};

/** Makes the partitions of this period and the next ones where they are missing. Safe to run in many processes. */
export async function ensurePartitions(sql: Db, options: TimePartitions): Promise<void> {
  const period = periods[options.period];
  const beginAt = (ahead: number) => new Date(period.begin(options.now, ahead));
  for (let ahead = 0; ahead <= period.ahead; ahead++) {
    const digits = beginAt(ahead).toISOString().slice(0, period.digits).replaceAll("-", "");
    const name = `${options.parent}_${digits}`;
    if (await exists(sql, name)) continue;
    const from = `'${options.boundary(beginAt(ahead))}'`;
    const to = `'${options.boundary(beginAt(ahead + 1))}'`;
    await transactionOnce(sql, tx => make(tx, options, name, [from, to]));
  }
}

/** Reads the catalog itself: `to_regclass` may answer from a cache that has not heard of a table made a moment ago. */
async function exists(sql: Sql, name: string): Promise<boolean> {
  const rows = await sql`
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname || '.' || c.relname = ${name}`;
  return rows.length > 0;
}

async function make(
  tx: Tx,
  { parent, key }: TimePartitions,
  name: string,
  [from, to]: [string, string],
): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(${LOCK})`;
  if (await exists(tx, name)) return;
  const within = `${key} >= ${from} AND ${key} < ${to}`;
  await tx.unsafe(`
    LOCK TABLE ${parent}_default IN ACCESS EXCLUSIVE MODE;
    CREATE TABLE ${name} (LIKE ${parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
    WITH moved AS (DELETE FROM ${parent}_default WHERE ${within} RETURNING *) INSERT INTO ${name} SELECT * FROM moved;
    ALTER TABLE ${parent} ATTACH PARTITION ${name} FOR VALUES FROM (${from}) TO (${to})`);
}
