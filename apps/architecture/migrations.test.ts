import { describe, expect, test } from "bun:test";
import { beforeTheRules } from "./migrations.before.ts";
import { migrationFaults } from "./migrations.ts";
import { readSources } from "./sources.ts";

test("migrations can run while the version before serves", async () => {
  const files = (await readSources("sql")).filter(({ path }) => path.includes("/migrations/"));
  expect(files.length).toBeGreaterThan(100);
  const faults = files.flatMap(migrationFaults);
  expect(faults.filter(({ path }) => !beforeTheRules.has(path))).toEqual([]);
  const faulty = new Set(faults.map(({ path }) => path));
  expect([...beforeTheRules].filter(path => !faulty.has(path))).toEqual([]);
});

describe("the check finds", () => {
  const faults = (text: string) => migrationFaults({ path: "x.sql", text }).map(one => one.fault);

  test.each([
    ["DROP TABLE sea.ship;", "drops"],
    ["DROP FUNCTION IF EXISTS sea.sail(text);", "drops"],
    ["ALTER TABLE sea.ship ADD COLUMN a text, DROP COLUMN b;", "drops"],
    ["ALTER TABLE sea.ship ALTER COLUMN a DROP DEFAULT;", "drops"],
    ["ALTER TABLE sea.ship RENAME COLUMN a TO b;", "renames"],
    ["ALTER FUNCTION sea.sail(text) RENAME TO row;", "renames"],
    ["ALTER TABLE sea.ship ALTER COLUMN a TYPE bigint;", "changes the type"],
    ["ALTER TABLE sea.ship ALTER a SET NOT NULL;", "refuses"],
    ["ALTER TABLE sea.ship ADD COLUMN a text DEFAULT 'x', ADD COLUMN b text NOT NULL;", "can't fill"],
    ["ALTER TABLE sea.ship ADD CONSTRAINT c CHECK (a > 0);", "every row"],
    ["ALTER TABLE sea.ship ADD FOREIGN KEY (a) REFERENCES sea.port (id);", "every row"],
    ["ALTER TABLE sea.ship ADD CONSTRAINT u UNIQUE (a);", "index under a lock"],
    ["CREATE INDEX ship_name ON sea.ship (name);", "locks writers out"],
    ["CREATE UNIQUE INDEX ship_name ON ONLY sea.ship (name);", "locks writers out"],
    ["DROP INDEX sea.ship_name;", "waits for all"],
    ["UPDATE sea.ship SET a = 1;", "holds all its rows"],
    ["-- why; not\nDELETE FROM sea.ship;", "holds all its rows"],
    ["LOCK TABLE sea.ship;", "locks a table"],
    ["CREATE INDEX CONCURRENTLY ship_name ON sea.ship (name);", "could not be repeated"],
    ["CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON sea.ship (a); SELECT 1;", "could not be repeated"],
  ])("%s", (text, fault) => {
    expect(faults(text)).toEqual([expect.stringContaining(fault)]);
  });

  test("nothing where a note answers for it, each note for its kind and its statement", () => {
    expect(faults("-- contract: unused since 0.3\nDROP TABLE sea.ship;")).toEqual([]);
    expect(faults("-- small: one row a port\nCREATE INDEX i ON sea.port (a);")).toEqual([]);
    expect(faults("-- small: it is\nDROP TABLE sea.ship;")).toHaveLength(1);
    expect(faults("-- contract:\nDROP TABLE sea.ship;")).toHaveLength(1);
    expect(faults("-- contract: unused\nDROP TABLE sea.ship;\nDROP TABLE sea.port;")).toHaveLength(1);
  });

  test("nothing in what is added, in what the file makes itself, in functions and in indexes made beside the traffic", () => {
    expect(
      faults(`CREATE TABLE sea.port (id text); -- a; b
CREATE INDEX port_id ON sea.port (id);
UPDATE sea.port SET id = '';
ALTER TABLE sea.ship ADD COLUMN type text NOT NULL DEFAULT '', ADD COLUMN b text;
ALTER TABLE sea.ship ADD CONSTRAINT c CHECK (b > '') NOT VALID;
CREATE OR REPLACE FUNCTION sea.sail() RETURNS void LANGUAGE sql AS $$ DELETE FROM sea.ship; DROP TABLE sea.ship; $$;`),
    ).toEqual([]);
    expect(
      faults(
        "-- Slow.\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON sea.ship (a);\nDROP INDEX CONCURRENTLY IF EXISTS sea.j;",
      ),
    ).toEqual([]);
  });
});
