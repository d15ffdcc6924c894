/**
 * A database for one test: a clone of a migrated template. The template's name is a hash of all migrations, so that a
 * changed migration gets a new template on the next call; an advisory lock lets one process build it while others wait.
 * It is built under another name and renamed when complete.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { connect, type Db, type MigrationModule, migrate } from "../postgres/index.ts";
import { type TestStack, testServers } from "./stack.ts";
import { StatementLog } from "./statements.ts";

export type FreshDatabase = {
  readonly sql: Db;
  readonly url: string;
  /** What `sql` sent. */
  readonly statements: StatementLog;
  drop(): Promise<void>;
};

const TEMPLATE_LOCK = 7_214_002;
let template: Promise<string> | undefined;

/** A new migrated database of its own; `drop` closes `sql` and removes it. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const stack = await testServers();
  template ??= ensureTemplate(stack);
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  await administer(stack, `CREATE DATABASE ${name} TEMPLATE ${await template}`);
  const url = databaseUrl(stack, name);
  const statements = new StatementLog();
  const sql = connect(url, { application: "test", onStatement: statements.add });
  const drop = async () => {
    await sql.end({ timeout: 1 });
    await administer(stack, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  };
  return { sql, url, statements, drop };
}

async function administer(stack: TestStack, statement: string): Promise<void> {
  const admin = connect(stack.adminUrl, { max: 1, application: "test-admin" });
  try {
    await admin.unsafe(statement);
  } finally {
    await admin.end({ timeout: 1 });
  }
}

function databaseUrl(stack: TestStack, name: string): string {
  const url = new URL(stack.adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Builds the template when there is none for the migrations as they are now, and returns its name. */
export async function ensureTemplate(stack: TestStack): Promise<string> {
  const modules = await existingModules(stack.migrations);
  const name = `tradewind_template_${await hashOf(modules)}`;
  const admin = connect(stack.adminUrl, { max: 1, application: "test-admin" });
  try {
    await admin`SELECT pg_advisory_lock(${TEMPLATE_LOCK})`;
    const [found] = await admin`SELECT 1 FROM pg_database WHERE datname = ${name}`;
    if (!found) await build(stack, admin, { name, modules });
    return name;
  } finally {
    await admin.end({ timeout: 1 });
  }
}

async function build(
  stack: TestStack,
  admin: Db,
  { name, modules }: { name: string; modules: MigrationModule[] },
): Promise<void> {
  const draft = `${name}_draft`;
  await admin.unsafe(`DROP DATABASE IF EXISTS ${draft} WITH (FORCE)`);
  await admin.unsafe(`CREATE DATABASE ${draft}`);
  const sql = connect(databaseUrl(stack, draft), { max: 1, application: "test-template" });
  try {
    await migrate(sql, modules);
  } finally {
    await sql.end({ timeout: 5 });
  }
  await admin.unsafe(`ALTER DATABASE ${draft} RENAME TO ${name}`);
}

/** A module whose folder has no migrations yet is left out: tests of the others can run. */
async function existingModules(path: string): Promise<MigrationModule[]> {
  const { modules } = (await import(path)) as { modules: readonly MigrationModule[] };
  const present = await Promise.all(
    modules.map(({ dir }) =>
      readdir(dir).then(
        () => true,
        () => false,
      ),
    ),
  );
  return modules.filter((_, i) => present[i]);
}

async function hashOf(modules: readonly MigrationModule[]): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const { name, dir } of modules) {
    for (const file of (await readdir(dir)).filter(one => one.endsWith(".sql")).sort()) {
      hasher.update(`${name}/${file}\n${await Bun.file(join(dir, file)).text()}`);
    }
  }
  return hasher.digest("hex").slice(0, 16);
}
