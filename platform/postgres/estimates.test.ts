/** What the planner takes new tables for. */
import { expect, test } from "bun:test";
import { freshDatabase } from "../testing/index.ts";
import { assumeOneTenant } from "./estimates.ts";

test("all rows of a table that nothing is known of are one tenant's; what ANALYZE found stays, other schemas are left alone", async () => {
  const { sql, drop } = await freshDatabase();
  const connection = await sql.reserve();
  try {
    await connection.unsafe(`
      CREATE SCHEMA fleet; CREATE SCHEMA island;
      CREATE TABLE fleet.ship (owner text, number int, PRIMARY KEY (owner, number));
      CREATE TABLE fleet.crew (owner text, number int, PRIMARY KEY (owner, number));
      CREATE TABLE island.house (owner text, number int, PRIMARY KEY (owner, number));
      INSERT INTO fleet.crew SELECT 'o' || n % 40, n FROM generate_series(1, 400) n;
      ANALYZE fleet.crew`);
    const modules = [{ name: "fleet", dir: "", tenant: "owner" }];
    await assumeOneTenant(connection, modules);
    await assumeOneTenant(connection, modules);
    const known = await connection.unsafe(`
      SELECT tablename AS table, n_distinct AS owners FROM pg_stats
      WHERE schemaname IN ('fleet', 'island') AND attname = 'owner' ORDER BY tablename`);
    expect([...known]).toEqual([
      { table: "crew", owners: 40 },
      { table: "ship", owners: 1 },
    ] as never);
  } finally {
    connection.release();
    await drop();
  }
});
