/**
 * Partitions by time. Rows whose partition does not exist yet land in the default partition and are moved when it is
 * made, so that a late keeper loses nothing and blocks nothing.
 *
 * Crash story: one transaction a partition; before its commit nothing has changed.
 */
import type { Db, Sql, Tx } from "./pool.ts";
import { transactionOnce } from "./transaction.ts";

const LOCK = 7_214_005;

/**
 * Beginnings are in UTC; `digits` of a beginning's date name its partition. Days are mostly written once, read by key and dropped
 * after weeks: vacuums that only follow insertions would go over them again and again for nothing (decision 0150). Months
 * are kept.
 */
const periods = {
  day: {
    ahead: 3,
    digits: "2026-11-20".length,
    storage: "WITH (autovacuum_vacuum_insert_threshold = -1)",
    begin: (now: Date, ahead: number) =>
      Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + ahead),
  },
  month: {
    ahead: 2,
    digits: "2026-11".length,
    storage: "",
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
  { parent, key, period }: TimePartitions,
  name: string,
  [from, to]: [string, string],
): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(${LOCK})`;
  if (await exists(tx, name)) return;
  const within = `${key} >= ${from} AND ${key} < ${to}`;
  await tx.unsafe(`
    LOCK TABLE ${parent}_default IN ACCESS EXCLUSIVE MODE;
    CREATE TABLE ${name} (LIKE ${parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) ${periods[period].storage};
    WITH moved AS (DELETE FROM ${parent}_default WHERE ${within} RETURNING *) INSERT INTO ${name} SELECT * FROM moved;
    ALTER TABLE ${parent} ATTACH PARTITION ${name} FOR VALUES FROM (${from}) TO (${to})`);
}

export type Partition = { name: string; begin: Date };

/** The partitions that {@link ensurePartitions} made by day, oldest first. */
export async function dayPartitions(sql: Sql, parent: string): Promise<Partition[]> {
  const rows = await sql<{ name: string; digits: string }[]>`
    SELECT n.nspname || '.' || c.relname AS name, substring(c.relname FROM '_([0-9]{8})$') AS digits
    FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE i.inhparent = ${parent}::regclass AND c.relname ~ '_[0-9]{8}$' ORDER BY c.relname`;
  return rows.map(({ name, digits }) => ({
    name,
    begin: new Date(`${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}T00:00:00Z`),
  }));
}

/** A partition to be dropped; rows `p` of it for which `survives` (SQL) is true move to the default partition. */
export type Retired = { parent: string; name: string; survives: string };

/**
 * Drops partitions, all or none, in the order given; a later one's `survives` sees what an earlier one has moved. Waits a
 * second for the parents' locks and then gives up (lock_not_available), so that nobody queues behind it for long.
 */
export async function retirePartitions(sql: Db, partitions: readonly Retired[]): Promise<void> {
  await transactionOnce(sql, async tx => {
    await tx`SELECT pg_advisory_xact_lock(${LOCK})`;
    await tx`SET LOCAL lock_timeout = '1s'`;
    for (const { parent, name, survives } of partitions) {
      if (!(await exists(tx, name))) continue;
      await tx.unsafe(`
        ALTER TABLE ${parent} DETACH PARTITION ${name};
        INSERT INTO ${parent} SELECT p.* FROM ${name} p WHERE ${survives};
        DROP TABLE ${name}`);
    }
  });
}
