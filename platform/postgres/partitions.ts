/**
 * Partitions by month. Rows whose partition does not exist yet land in the default partition and are moved when it is
 * made, so that a late keeper loses nothing and blocks nothing.
 *
 * Crash story: one transaction a month; before its commit nothing has changed.
 */
import type { Db, Sql, Tx } from "./pool.ts";
import { transactionOnce } from "./transaction.ts";

const LOCK = 7_214_005;
const MONTHS_AHEAD = 2;

export type MonthPartitions = {
  /** Qualified name of the partitioned table; its default partition is called `<parent>_default`. */
  parent: string;
  /** The column that it is partitioned by. */
  key: string;
  /** The least value of the column that belongs to the month that begins at `month` (UTC). */
  boundary(month: Date): string;
  now: Date;
};

/** Makes the partitions of this month and the next two where they are missing. Safe to run in many processes. */
export async function ensureMonthPartitions(sql: Db, options: MonthPartitions): Promise<void> {
  for (let ahead = 0; ahead <= MONTHS_AHEAD; ahead++) {
    const from = monthAt(options.now, ahead);
    const name = `${options.parent}_${from.toISOString().slice(0, 7).replace("-", "")}`;
    if (await exists(sql, name)) continue;
    const bounds = [from, monthAt(options.now, ahead + 1)].map(month => `'${options.boundary(month)}'`);
    await transactionOnce(sql, tx => make(tx, options, name, bounds as [string, string]));
  }
}

function monthAt(now: Date, ahead: number): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1));
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
  { parent, key }: MonthPartitions,
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
