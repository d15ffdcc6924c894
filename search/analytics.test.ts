import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { fixedClock } from "../platform/clock.ts";
import { newId } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import { connect } from "../platform/postgres/index.ts";
import { ensureSearchPartitions } from "./analytics.store.ts";
import { countedQuery, createCounter } from "./analytics.ts";
import { searchReport } from "./report.ts";
import { openShop, type Shop } from "./testing.ts";

let shop: Shop;
beforeEach(async () => {
  shop = await openShop(null);
}, 120_000);
afterEach(() => shop.close());

const clock = fixedClock("2026-11-20T12:00:00Z");
const counterOf = (sql: Shop["sql"]) =>
  createCounter({ sql, log: silentLog, metrics: createMetrics("test"), clock });
const report = (params: object = {}, storeId = shop.storeId) =>
  searchReport(shop.sql, storeId, params, clock.now());

describe("counts", () => {
  test("tell what is popular, what finds nothing and what is chosen, over nodes and by store", async () => {
    const [kettle] = await shop.stock({ title: "Kettle" });
    const nodes = [counterOf(shop.sql), counterOf(shop.sql)];
    const other = newId("store");
    for (const node of nodes) {
      node.searched(shop.storeId, "Kettle ", 1);
      node.searched(shop.storeId, "KETTLE", 1);
      node.searched(shop.storeId, "unicorn", 0);
      node.searched(other, "secret", 1);
      node.clicked(shop.storeId, { q: "kettle", productId: kettle!, position: 1 });
      node.clicked(shop.storeId, { q: "kettle", productId: newId("prod"), position: 9 });
    }
    nodes[1]!.clicked(shop.storeId, { q: "kettle", productId: kettle!, position: 4 });
    await Promise.all(nodes.map(node => node.flush()));
    expect(await report()).toEqual({
      from: "2026-10-22",
      to: "2026-11-20",
      searches: 6,
      withoutResult: 2,
      clicks: 3,
      popular: [
        { query: "kettle", searches: 4, withoutResult: 0, clicks: 3, meanPosition: 2 },
        { query: "unicorn", searches: 2, withoutResult: 2, clicks: 0, meanPosition: null },
      ],
      fruitless: [{ query: "unicorn", searches: 2, withoutResult: 2, clicks: 0, meanPosition: null }],
      clicked: [{ productId: kettle!, title: "Kettle", clicks: 3 }],
    });
    expect((await report({}, other)).popular.map(one => one.query)).toEqual(["secret"]);
    expect((await report({ from: "2026-11-18", to: "2026-11-19" })).searches).toBe(0);
  });

  test("are kept when they can't be written, and written with the next", async () => {
    const away = connect("postgres://nobody@127.0.0.1:1/nothing", { max: 1, application: "test" });
    let sql = away;
    const counter = counterOf(
      new Proxy(shop.sql, {
        apply: (_target, _this, args) => Reflect.apply(sql, undefined, args),
        get: (_target, name) => Reflect.get(sql, name),
      }) as Shop["sql"],
    );
    counter.searched(shop.storeId, "kettle", 1);
    await counter.flush();
    sql = shop.sql as typeof away;
    counter.searched(shop.storeId, "kettle", 1);
    await counter.flush();
    expect((await report()).searches).toBe(2);
    await away.end();
  });

  test("move to their day's partition when it is made late, and go with it after a year and a bit", async () => {
    const counter = counterOf(shop.sql);
    counter.searched(shop.storeId, "kettle", 1);
    await counter.flush();
    await ensureSearchPartitions(shop.sql, clock.now());
    expect(await shop.sql`SELECT FROM search.query_day_20261120`).toHaveLength(1);
    counter.searched(shop.storeId, "kettle", 1);
    await counter.flush();
    expect((await report()).searches).toBe(2);
    await ensureSearchPartitions(shop.sql, new Date("2028-01-01"));
    expect((await report()).searches).toBe(0);
  });

  test("hold no mail addresses and no long numbers", () => {
    for (const q of ["ada@example.org", "+44 20 7946 0958 12", "4111 1111 1111 1111", " ", "x".repeat(81)])
      expect(countedQuery(q)).toBeNull();
    expect(countedQuery(" Crème  BRÛLÉE ")).toBe("creme brulee");
  });
});

test("a report is of days within bounds", async () => {
  const refused: [string, object][] = [
    ["from", { from: "2026-02-30" }],
    ["to", { to: "yesterday" }],
    ["from", { from: "2026-11-21" }],
    ["from", { from: "2024-01-01" }],
  ];
  for (const [path, params] of refused) {
    expect(report(params)).rejects.toMatchObject({ status: 422, more: { errors: [{ path }] } });
  }
});
