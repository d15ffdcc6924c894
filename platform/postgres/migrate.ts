/**
 * The migration runner. Each module keeps `migrations/NNNN_name.sql` and a schema of its own; the runner applies them in
 * the order of the modules it is given (the order of the layers), each file in one transaction with its record.
 *
 * A session advisory lock lets one process migrate while others wait. A file that changed after it was applied, or a
 * record without a file (a database newer than this program), is refused before anything runs. A crash leaves whole
 * files applied or not at all; the next start goes on.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Db } from "./pool.ts";

export type MigrationModule = { name: string; dir: string };

export class MigrationError extends Error {
  override name = "MigrationError";
}

type Migration = { module: string; name: string; path: string; body: string; checksum: string };

const LOCK = 7_214_001;

async function filesOf(module: MigrationModule): Promise<Migration[]> {
  const names = (await readdir(module.dir)).filter(name => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async name => {
      const path = join(module.dir, name);
      const body = await Bun.file(path).text();
      const checksum = new Bun.CryptoHasher("sha256").update(body).digest("hex");
      return { module: module.name, name, path, body, checksum };
    }),
  );
}

async function pending(db: Pick<Db, "unsafe">, modules: readonly MigrationModule[]): Promise<Migration[]> {
  const files = (await Promise.all(modules.map(filesOf))).flat();
  const exists = await db.unsafe(`SELECT to_regclass('platform.migration') IS NOT NULL AS yes`);
  if (!exists[0]?.yes) return files;
  const rows = await db.unsafe("SELECT module, name, checksum FROM platform.migration");
  const known = new Map(files.map(file => [`${file.module}/${file.name}`, file]));
  for (const row of rows) {
    const file = known.get(`${row.module}/${row.name}`);
    if (!file) {
      throw new MigrationError(
        `the database has migration ${row.module}/${row.name}, which this version does not know: it is newer than this program`,
      );
    }
    if (file.checksum !== row.checksum) {
      throw new MigrationError(`migration ${row.module}/${row.name} was changed after it was applied`);
    }
    known.delete(`${row.module}/${row.name}`);
  }
  return [...known.values()];
}

/** Names of the migrations that `migrate` would apply. */
export async function pendingMigrations(db: Db, modules: readonly MigrationModule[]): Promise<string[]> {
  return (await pending(db, modules)).map(file => `${file.module}/${file.name}`);
}

/** Applies what is pending and returns its names. Safe to call from many processes at once. */
export async function migrate(db: Db, modules: readonly MigrationModule[]): Promise<string[]> {
  const connection = await db.reserve();
  try {
    await connection`SELECT pg_advisory_lock(${LOCK})`;
    await connection.unsafe(`
      CREATE SCHEMA IF NOT EXISTS platform;
      CREATE TABLE IF NOT EXISTS platform.migration (
        module text NOT NULL, name text NOT NULL, checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (module, name))`);
    const files = await pending(connection, modules);
    for (const file of files) await apply(connection, file);
    return files.map(file => `${file.module}/${file.name}`);
  } finally {
    await connection`SELECT pg_advisory_unlock(${LOCK})`.catch(() => {});
    connection.release();
  }
}

async function apply(connection: Pick<Db, "unsafe">, file: Migration): Promise<void> {
  const record = `INSERT INTO platform.migration (module, name, checksum) VALUES ('${file.module}', '${file.name}', '${file.checksum}')`;
  try {
    // One simple-protocol call is one transaction: the file and its record commit together or not at all.
    await connection.unsafe(`BEGIN; SET LOCAL statement_timeout = 0; ${file.body}\n; ${record}; COMMIT`);
  } catch (error) {
    await connection.unsafe("ROLLBACK").catch(() => {});
    throw new MigrationError(`migration ${file.module}/${file.name}: ${(error as Error).message}`);
  }
}
