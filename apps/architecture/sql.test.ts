import { describe, expect, test } from "bun:test";
import { isTest, readSources } from "./sources.ts";
import { sqlOf, sqlViolations, tablesIn } from "./sql.ts";

describe("the project", () => {
  test("no module touches another module's tables", async () => {
    // A bench fills shops faster than the doors would, and counts what is in the tables; the crash-test holds the tables
    // against what clients were told, and must not ask those whom it examines.
    const typescript = (await readSources("ts")).filter(
      ({ path }) => !isTest(path) && !/^(bench|apps\/crash-test)\//.test(path),
    );
    expect(sqlViolations([...typescript, ...(await readSources("sql"))])).toEqual([]);
  });

  test("routes, job handlers and commands hold no SQL", async () => {
    const thin = (await readSources("ts")).filter(
      ({ path }) => /^(apps\/api\/(routes|http)|workers\/jobs|apps\/cli)\//.test(path) && !isTest(path),
    );
    expect(thin.length).toBeGreaterThan(20);
    expect(thin.filter(source => sqlOf(source) !== "").map(source => source.path)).toEqual([]);
  });
});

describe("the check finds", () => {
  const names = (path: string, text: string) => sqlViolations([{ path, text }]).map(one => one.name);

  test("a table that is read, joined, written, locked or referenced by another module", () => {
    expect(names("commerce/orders/store.ts", "sql`SELECT * FROM carts.cart WHERE id = 1`")).toEqual([
      "carts.cart",
    ]);
    expect(names("commerce/orders/store.ts", "sql`INSERT INTO bus.outbox (id) VALUES (1)`")).toEqual([
      "bus.outbox",
    ]);
    expect(names("commerce/orders/store.ts", "sql`UPDATE inventory.level SET a = 1`")).toEqual([
      "inventory.level",
    ]);
    expect(names("commerce/orders/store.ts", 'sql`SELECT 1 FROM "bus"."job" j`')).toEqual(["bus.job"]);
    expect(names("commerce/orders/migrations/1.sql", "id text REFERENCES catalog.product (id)")).toEqual([
      "catalog.product",
    ]);
    expect(names("apps/api/routes/x.ts", "sql`SELECT a FROM a JOIN stores.store s ON true`")).toEqual([
      "stores.store",
    ]);
  });

  test("nothing in own tables, functions of others, aliases, comments and texts that are no SQL", () => {
    expect(names("commerce/orders/store.ts", "sql`SELECT orders.number FROM orders.order`")).toEqual([]);
    expect(names("commerce/orders/store.ts", "sql`SELECT * FROM inventory.claim(1) c`")).toEqual([]);
    expect(names("commerce/orders/migrations/1.sql", "-- like carts.cart\nSELECT bus.enqueue(x)")).toEqual(
      [],
    );
    expect(names("workers/jobs/x.ts", "const a = `catalog.import and stock.commit`;")).toEqual([]);
    expect(tablesIn("SELECT o.media.url, x.bus.job")).toEqual([]);
  });
});
