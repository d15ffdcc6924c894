/** An empty database, and several machines that start at once. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Db } from "../../platform/postgres/index.ts";
import { freshDatabase, until } from "../../platform/testing/index.ts";
import { modules } from "../migrations.ts";

const applied = (sql: Db) =>
  sql<{ name: string }[]>`SELECT module || '/' || name AS name FROM platform.migration`.then(rows =>
    rows.map(row => row.name),
  );

test("of five that migrate at once one is killed midway, and the others apply the rest, each file once", async () => {
  const { sql, url, drop } = await freshDatabase();
  const all = (await applied(sql)).sort();
  for (const { name } of modules) await sql.unsafe(`DROP SCHEMA IF EXISTS ${name} CASCADE`);
  const start = () =>
    Bun.spawn([process.execPath, join(import.meta.dir, "main.ts"), "migrate", "--json"], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, DATABASE_URL: url },
      stdout: "pipe",
      stderr: "pipe",
    });
  const first = start();
  await until(async () => (await applied(sql)).length > 5, {
    timeoutMs: 30_000,
    what: "the first migrations",
  });
  const others = [start(), start(), start(), start()];
  first.kill("SIGKILL");
  await first.exited;
  const lines = await Promise.all(
    others.map(async one => {
      const [out, err, code] = await Promise.all([one.stdout.text(), one.stderr.text(), one.exited]);
      expect([err, code]).toEqual(["", 0]);
      return JSON.parse(out).applied as string[];
    }),
  );
  const byOthers = lines.flat();
  expect(new Set(byOthers).size).toBe(byOthers.length);
  expect((await applied(sql)).sort()).toEqual(all);
  await drop();
}, 60_000);
