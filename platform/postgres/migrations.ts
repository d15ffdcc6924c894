/** Migrations as files, held against the records of what was applied. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Db } from "./pool.ts";

export type MigrationModule = {
  name: string;
  dir: string;
  /** Column that says whose a row is, in tables that have it (estimates.ts). */
  tenant?: string;
};

/** Told to people in one line. */
export class MigrationError extends Error {
  override name = "MigrationError";
}

export type Migration = {
  readonly module: string;
  readonly name: string;
  readonly body: string;
  readonly checksum: string;
  /** It makes or drops indexes while the tables are used, which no transaction may hold. */
  readonly isConcurrent: boolean;
};

async function filesOf(module: MigrationModule): Promise<Migration[]> {
  const names = (await readdir(module.dir)).filter(name => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async name => {
      const body = await Bun.file(join(module.dir, name)).text();
      const checksum = new Bun.CryptoHasher("sha256").update(body).digest("hex");
      const isConcurrent = /\bINDEX\s+CONCURRENTLY\b/i.test(withoutComments(body));
      return { module: module.name, name, body, checksum, isConcurrent };
    }),
  );
}

/** What was not applied yet, in order. @throws MigrationError when records and files contradict one another. */
export async function pendingIn(
  db: Pick<Db, "unsafe">,
  modules: readonly MigrationModule[],
): Promise<Migration[]> {
  const files = (await Promise.all(modules.map(filesOf))).flat();
  const exists = await db.unsafe(`SELECT to_regclass('platform.migration') IS NOT NULL AS yes`);
  if (!exists[0]?.yes) return files;
  const rows = await db.unsafe(
    "SELECT module, name, checksum FROM platform.migration ORDER BY applied_at DESC",
  );
  const known = new Map(files.map(file => [`${file.module}/${file.name}`, file]));
  for (const row of rows) {
    const file = known.get(`${row.module}/${row.name}`);
    if (!file) {
      throw new MigrationError(
        `the database has migration ${row.module}/${row.name}, which this version does not know: the database is newer than this program; start the newer version`,
      );
    }
    if (file.checksum !== row.checksum) {
      throw new MigrationError(
        `migration ${row.module}/${row.name} was changed after it was applied; put it back as it was and write a new one`,
      );
    }
    known.delete(`${row.module}/${row.name}`);
  }
  return [...known.values()];
}

export const withoutComments = (sql: string): string => sql.replaceAll(/--.*$/gm, "");

/** For files of plain statements only: a function's body would be cut. */
export function statementsOf({ body }: Pick<Migration, "body">): string[] {
  return withoutComments(body)
    .split(";")
    .map(statement => statement.trim())
    .filter(statement => statement !== "");
}
