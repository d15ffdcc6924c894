/**
 * The migration runner. Each module keeps `migrations/NNNN_name.sql` and a schema of its own; the runner applies them in
 * the order of the modules it is given (the order of the layers), each file in one transaction with its record.
 *
 * A session advisory lock lets one process migrate while others wait; they ask for it again and again, because one that
 * waits inside a statement would hold a snapshot, and `CREATE INDEX CONCURRENTLY` waits for all snapshots. A file that
 * changed after it was applied, or a record without a file (a database newer than this program), is refused before
 * anything runs. A crash leaves whole files applied or not at all; the next start goes on.
 *
 * The version before serves meanwhile. A change of a table that waits behind a long transaction would make everybody
 * else wait behind itself; so a file waits for a lock {@link LOCK_MS} at most, gives all its locks back, and tries anew.
 *
 * A file that makes or drops indexes CONCURRENTLY can't be in a transaction: its statements run one by one, each of a
 * kind that may be repeated (`IF NOT EXISTS`; apps/architecture/migrations.ts sees to it), the record after them. A crash
 * between, or in the middle of an index, repeats the file; an index that was left half made is dropped before.
 */

import { assumeOneTenant } from "./estimates.ts";
import {
  type Migration,
  MigrationError,
  type MigrationModule,
  pendingIn,
  statementsOf,
} from "./migrations.ts";
import type { Db } from "./pool.ts";

const ADVISORY_LOCK = 7_214_001;
/** How long the readers of a table may stand behind us. */
const LOCK_MS = 300;
const PAUSE_MS = 500;
const PATIENCE_MS = 120_000;
/** lock_not_available, deadlock_detected */
const RETRIED = new Set(["55P03", "40P01"]);

export type MigrateOptions = {
  /** How long one migration is tried while others hold its tables; 2 minutes by default. */
  patienceMs?: number;
  /** Told each time that a migration has to wait. */
  onWait?: (migration: string) => void;
};

type Connection = Pick<Db, "unsafe">;

/** Names of the migrations that `migrate` would apply. */
export async function pendingMigrations(db: Db, modules: readonly MigrationModule[]): Promise<string[]> {
  return (await pendingIn(db, modules)).map(nameOf);
}

/** Applies what is pending and returns its names. Safe to call from many processes at once. */
export async function migrate(
  db: Db,
  modules: readonly MigrationModule[],
  options: MigrateOptions = {},
): Promise<string[]> {
  const connection = await db.reserve();
  try {
    await takeTurn(connection);
    await connection.unsafe(`
      CREATE SCHEMA IF NOT EXISTS platform;
      CREATE TABLE IF NOT EXISTS platform.migration (
        module text NOT NULL, name text NOT NULL, checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (module, name))`);
    const files = await pendingIn(connection, modules);
    for (const file of files) await applyPatiently(connection, file, options);
    await assumeOneTenant(connection, modules);
    return files.map(nameOf);
  } finally {
    await connection`SELECT pg_advisory_unlock(${ADVISORY_LOCK})`.catch(() => {});
    connection.release();
  }
}

async function takeTurn(connection: Connection): Promise<void> {
  for (;;) {
    const [row] = await connection.unsafe(`SELECT pg_try_advisory_lock(${ADVISORY_LOCK}) AS mine`);
    if (row!.mine) return;
    await Bun.sleep(PAUSE_MS * Math.random());
  }
}

async function applyPatiently(
  connection: Connection,
  file: Migration,
  { patienceMs = PATIENCE_MS, onWait }: MigrateOptions,
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      await (file.isConcurrent ? applyConcurrently : apply)(connection, file);
      return;
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (!RETRIED.has(code ?? "")) throw new MigrationError(`migration ${nameOf(file)}: ${message}`);
      if (Date.now() >= deadline) {
        const holders = await openTransactions(connection);
        throw new MigrationError(
          `migration ${nameOf(file)} got no lock on its tables within ${patienceMs / 1_000} s; open for longest: ${holders}`,
        );
      }
      onWait?.(nameOf(file));
      await Bun.sleep(PAUSE_MS * (0.5 + Math.random()));
    }
  }
}

/** One simple-protocol call is one transaction: the file and its record commit together or not at all. */
async function apply(connection: Connection, file: Migration): Promise<void> {
  const settings = `SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = ${LOCK_MS}`;
  try {
    await connection.unsafe(`BEGIN; ${settings}; ${file.body}\n; ${recordOf(file)}; COMMIT`);
  } catch (error) {
    await connection.unsafe("ROLLBACK").catch(() => {});
    throw error;
  }
}

/** No limit to its waiting: it lets readers and writers by. */
async function applyConcurrently(connection: Connection, file: Migration): Promise<void> {
  await connection.unsafe("SET statement_timeout = 0");
  try {
    const halfMade = await connection.unsafe(`
      SELECT indexrelid::regclass::text AS name FROM pg_index JOIN pg_class c ON c.oid = indexrelid
      WHERE NOT indisvalid AND c.relnamespace::regnamespace::text = '${file.module}'`);
    for (const { name } of halfMade) await connection.unsafe(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`);
    for (const statement of statementsOf(file)) await connection.unsafe(statement);
    await connection.unsafe(recordOf(file));
  } finally {
    await connection.unsafe("RESET statement_timeout").catch(() => {});
  }
}

const nameOf = ({ module, name }: Migration): string => `${module}/${name}`;

const recordOf = ({ module, name, checksum }: Migration): string =>
  `INSERT INTO platform.migration (module, name, checksum) VALUES ('${module}', '${name}', '${checksum}')`;

async function openTransactions(connection: Connection): Promise<string> {
  const rows = await connection.unsafe(`
    SELECT format('pid %s (%s, %s s)', pid, application_name, round(extract(epoch FROM now() - xact_start))) AS one
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
    ORDER BY xact_start LIMIT 3`);
  return rows.map(row => row.one).join(", ") || "none";
}
