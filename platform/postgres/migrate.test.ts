import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FreshDatabase, freshDatabase, until } from "../testing/index.ts";
import { connect, type Db, type MigrationModule, migrate, pendingMigrations } from "./index.ts";

let database: FreshDatabase;
let sql: Db;
let dir: string;
let modules: MigrationModule[];
const connections: Db[] = [];

beforeEach(async () => {
  database = await freshDatabase();
  sql = database.sql;
  dir = await mkdtemp(join(tmpdir(), "tradewind-migrations-"));
  modules = [{ name: "sea", dir }];
  // The template's records are those of modules that this test does not name.
  await sql`TRUNCATE platform.migration`;
  await file("0001_sea.sql", "CREATE SCHEMA sea; CREATE TABLE sea.ship (id bigint PRIMARY KEY, name text);");
  await migrate(sql, modules);
  await sql`INSERT INTO sea.ship SELECT i, 'ship ' || i FROM generate_series(1, 50) i`;
});
afterEach(async () => {
  await Promise.all(connections.splice(0).map(one => one.end({ timeout: 1 })));
  await database.drop();
  await rm(dir, { recursive: true });
});

const file = (name: string, body: string) => writeFile(join(dir, name), body);

function another(): Db {
  const db = connect(database.url, { max: 2, application: "another" });
  connections.push(db);
  return db;
}

const ships = () => sql<{ id: number }[]>`SELECT id FROM sea.ship LIMIT 1`;

/** A transaction that has read the table and stays open until it is told to end. */
async function longReader() {
  const [reading, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const ended = another().begin(async tx => {
    await tx`SELECT count(*) FROM sea.ship`;
    reading.resolve();
    await over.promise;
  });
  await reading.promise;
  return async () => {
    over.resolve();
    await ended;
  };
}

test("a migration that waits for a long transaction lets everybody else by, and is done when that one ends", async () => {
  await file("0002_flag.sql", "ALTER TABLE sea.ship ADD COLUMN flag text;");
  const end = await longReader();
  let waits = 0;
  const migrated = migrate(another(), modules, { onWait: () => waits++ });
  await until(() => waits > 0, { timeoutMs: 30_000 });
  // The long transaction holds its lock until the end of this test: whoever queued behind the migration would wait for ever.
  for (let i = 0; i < 20; i++) expect(await ships()).toHaveLength(1);
  await until(() => waits > 1, { timeoutMs: 30_000 });
  expect(await ships()).toHaveLength(1);
  await end();
  expect(await migrated).toEqual(["sea/0002_flag.sql"]);
  expect(await sql`SELECT flag FROM sea.ship WHERE id = 1`).toHaveLength(1);
}, 90_000);

test("a migration that gets no lock gives up, names who holds the table, and leaves nothing behind", async () => {
  await file("0002_flag.sql", "CREATE TABLE sea.flag (); ALTER TABLE sea.ship ADD COLUMN flag text;");
  const end = await longReader();
  const failed = await migrate(another(), modules, { patienceMs: 0 }).catch((error: Error) => error);
  expect(String(failed)).toMatch(
    /^MigrationError: migration sea\/0002_flag\.sql got no lock on its tables within 0 s; open for longest: pid \d+ \(another, \d+ s\)/,
  );
  await end();
  expect(await sql`SELECT to_regclass('sea.flag') AS found`).toMatchObject([{ found: null }]);
  expect(await pendingMigrations(sql, modules)).toEqual(["sea/0002_flag.sql"]);
}, 120_000);

test("of several that start at once each waits for its turn, and each file is applied once", async () => {
  await file("0002_mark.sql", "CREATE TABLE sea.mark (n int); INSERT INTO sea.mark VALUES (1);");
  await file("0003_mark.sql", "INSERT INTO sea.mark VALUES (2);");
  await file("0004_index.sql", "CREATE INDEX CONCURRENTLY IF NOT EXISTS ship_name ON sea.ship (name);");
  const applied = await Promise.all([1, 2, 3, 4].map(() => migrate(another(), modules)));
  expect(applied.map(names => names.length).sort()).toEqual([0, 0, 0, 3]);
  expect(await sql`SELECT n FROM sea.mark ORDER BY n`).toMatchObject([{ n: 1 }, { n: 2 }]);
}, 120_000);

test("a failing file leaves nothing of itself, and those before it stay", async () => {
  await file("0002_mark.sql", "CREATE TABLE sea.mark (n int);");
  await file("0003_mark.sql", "INSERT INTO sea.mark VALUES (2); SELECT 1 / 0;");
  expect(migrate(sql, modules)).rejects.toThrow("migration sea/0003_mark.sql: division by zero");
  await until(async () => (await pendingMigrations(sql, modules)).length === 1);
  expect(await sql`SELECT n FROM sea.mark`).toHaveLength(0);
  await file("0003_mark.sql", "INSERT INTO sea.mark VALUES (2);");
  expect(await migrate(sql, modules)).toEqual(["sea/0003_mark.sql"]);
});

test("an index is made while a writer's transaction is open, and one that was left half made is made anew", async () => {
  await file(
    "0002_index.sql",
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ship_name ON sea.ship (name);",
  );
  await sql`INSERT INTO sea.ship VALUES (51, 'ship 1')`;
  expect(await migrate(sql, modules).catch(String)).toContain("could not create unique index");
  const state = () => sql`SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('sea.ship_name')`;
  expect(await state()).toMatchObject([{ indisvalid: false }]);
  await sql`DELETE FROM sea.ship WHERE id = 51`;
  const writer = Promise.withResolvers<void>();
  const written = Promise.withResolvers<void>();
  const writing = another().begin(async tx => {
    await tx`INSERT INTO sea.ship VALUES (52, 'ship 52')`;
    written.resolve();
    await writer.promise;
  });
  await written.promise;
  const migrated = migrate(another(), modules);
  await until(
    async () =>
      (
        await sql`SELECT 1 FROM pg_stat_activity WHERE query LIKE '%INDEX CONCURRENTLY%' AND pid <> pg_backend_pid()`
      ).length > 0,
    { timeoutMs: 30_000 },
  );
  await sql`INSERT INTO sea.ship VALUES (53, 'ship 53')`;
  writer.resolve();
  await writing;
  expect(await migrated).toEqual(["sea/0002_index.sql"]);
  expect(await state()).toMatchObject([{ indisvalid: true }]);
}, 60_000);

test("a database that is newer, and a file that was changed after it was applied, are refused before anything runs", async () => {
  await file("0002_mark.sql", "CREATE TABLE sea.mark (n int);");
  await sql`INSERT INTO platform.migration (module, name, checksum) VALUES ('sea', '0009_later.sql', 'x')`;
  expect(await migrate(sql, modules).catch(String)).toBe(
    "MigrationError: the database has migration sea/0009_later.sql, which this version does not know: the database is newer than this program; start the newer version",
  );
  await sql`DELETE FROM platform.migration WHERE name = '0009_later.sql'`;
  await file("0001_sea.sql", "CREATE SCHEMA sea;");
  expect(await migrate(sql, modules).catch(String)).toBe(
    "MigrationError: migration sea/0001_sea.sql was changed after it was applied; put it back as it was and write a new one",
  );
  expect(await sql`SELECT to_regclass('sea.mark') AS found`).toMatchObject([{ found: null }]);
});
