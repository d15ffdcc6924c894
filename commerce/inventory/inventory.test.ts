import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../../platform/ids.ts";
import { type FreshDatabase, freshDatabase } from "../../platform/testing/index.ts";
import { commitReservation, releaseLapsed, stockChanged, sweepReservations } from "./index.ts";

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

type Row = { variantId: string; productId: string; onHand: number; row?: number; backorder?: boolean };

/** A store of its own for each test. */
function open() {
  const storeId = newId("store");
  const { sql } = db;
  const origin = { storeId };
  return {
    storeId,
    origin,
    async set(rows: Row[], mode = "new", source = newId("imp")) {
      const applied = await sql<{ variant_id: string; applied: boolean }[]>`
        SELECT * FROM inventory.set_initial(${storeId}, ${sql.json(rows as never)}, ${mode}, ${source})`;
      return Object.fromEntries(applied.map(one => [one.variant_id, one.applied]));
    },
    async claim(
      lines: Record<string, number>,
      { expiresIn = "1 hour", changed = [] as readonly unknown[] } = {},
    ) {
      const id = newId("res");
      const asked = Object.entries(lines).map(([variantId, quantity]) => ({ variantId, quantity }));
      const short = await sql`
        SELECT variant_id, requested, available FROM inventory.claim(
          ${storeId}, ${id}, ${sql.json(asked)}, now() + ${expiresIn}::interval, ${sql.json(changed as never)})`;
      return { id, short: short.map(one => ({ ...one })) };
    },
    async confirm(id: string): Promise<boolean> {
      const [row] = await sql`SELECT inventory.confirm(${storeId}, ${id}) AS yes`;
      return row!.yes;
    },
    async levels() {
      const rows = await sql`
        SELECT variant_id, location_id, on_hand, reserved FROM inventory.level
        WHERE store_id = ${storeId} ORDER BY variant_id, location_id`;
      return rows.map(row => [row.variant_id, row.on_hand, row.reserved]);
    },
    async changedProducts() {
      const rows = await sql`
        SELECT jsonb_array_elements_text(payload -> 'productIds') AS id FROM bus.outbox
        WHERE store_id = ${storeId} AND kind = 'catalog.restock' ORDER BY id`;
      return rows.map(row => row.id);
    },
    async jobs(kind: string): Promise<number> {
      const rows = await sql`SELECT 1 FROM bus.outbox WHERE store_id = ${storeId} AND kind = ${kind}`;
      return rows.length;
    },
    /** A second location that holds some of a variant. */
    async addLocation(id: string, variantId: string, onHand: number, backorder = false) {
      await sql`INSERT INTO inventory.location (store_id, id, name) VALUES (${storeId}, ${id}, ${id})`;
      await sql`INSERT INTO inventory.level (store_id, variant_id, location_id, product_id, on_hand, backorder)
                VALUES (${storeId}, ${variantId}, ${id}, 'p', ${onHand}, ${backorder})`;
    },
  };
}

const row = (variantId: string, onHand: number, more: Partial<Row> = {}): Row => ({
  variantId,
  productId: `p-${variantId}`,
  onHand,
  ...more,
});

describe("a claim", () => {
  test("takes all lines or none, and names those that are short", async () => {
    const shop = open();
    await shop.set([row("a", 5), row("b", 1)]);
    const refused = await shop.claim({ a: 2, b: 2, c: 1 });
    expect(refused.short).toEqual([
      { variant_id: "b", requested: 2, available: 1 },
      { variant_id: "c", requested: 1, available: 0 },
    ]);
    expect(await shop.levels()).toEqual([
      ["a", 5, 0],
      ["b", 1, 0],
    ]);
    expect((await shop.claim({ a: 2, b: 1 })).short).toEqual([]);
    expect(await shop.levels()).toEqual([
      ["a", 5, 2],
      ["b", 1, 1],
    ]);
  });

  test("draws on the default location first, then on the others", async () => {
    const shop = open();
    await shop.set([row("a", 3)]);
    await shop.addLocation("loc_a_second", "a", 4);
    expect((await shop.claim({ a: 8 })).short).toEqual([{ variant_id: "a", requested: 8, available: 7 }]);
    expect((await shop.claim({ a: 5 })).short).toEqual([]);
    const byLocation = await db.sql`
      SELECT location_id LIKE 'loc_a%' AS second, reserved FROM inventory.level
      WHERE store_id = ${shop.storeId} ORDER BY second`;
    expect(byLocation.map(one => one.reserved)).toEqual([3, 2]);
  });

  test("takes more than there is where backorders are taken, and shows none as available", async () => {
    const shop = open();
    await shop.set([row("a", 3)]);
    await db.sql`UPDATE inventory.level SET backorder = true WHERE store_id = ${shop.storeId}`;
    const { id } = await shop.claim({ a: 5 });
    expect(await shop.levels()).toEqual([["a", 3, 5]]);
    const [available] = await db.sql`SELECT * FROM inventory.available(${shop.storeId}, '{a}')`;
    expect(available).toMatchObject({ available: 0, backorder: true });
    await shop.confirm(id);
    expect(await commitReservation(db.sql, shop.origin, id)).toBe("committed");
    expect(await shop.levels()).toEqual([["a", -2, 0]]);
  });

  test("tells each product once that its stock changed", async () => {
    const shop = open();
    await shop.set([row("a", 5), row("b", 5, { productId: "p-a" }), row("c", 5)]);
    await shop.claim({ a: 1, b: 1, c: 1 }, { changed: stockChanged(shop.origin) });
    expect(await shop.changedProducts()).toEqual(["p-a", "p-c"]);
    const [job] =
      await db.sql`SELECT key FROM bus.outbox WHERE store_id = ${shop.storeId} AND kind = 'catalog.restock'`;
    expect(job).toEqual({ key: "product:p-a" });
  });

  test("tells thousands of products in jobs that stay within their contract", async () => {
    const ids = Array.from({ length: 1_201 }, (_, i) => `p"${i}`);
    const storeId = newId("store");
    await db.sql`SELECT inventory.announce(${ids}, ${db.sql.json(stockChanged({ storeId }) as never)})`;
    const jobs =
      await db.sql`SELECT payload -> 'productIds' AS ids FROM bus.outbox WHERE store_id = ${storeId}`;
    expect(jobs.map(job => job.ids.length).toSorted()).toEqual([201, 500, 500]);
    expect(new Set(jobs.flatMap(job => job.ids))).toEqual(new Set(ids));
  });
});

describe("a reservation", () => {
  test("is committed once, however many try at the same time", async () => {
    const shop = open();
    await shop.set([row("a", 5), row("b", 5)]);
    const { id } = await shop.claim({ a: 2, b: 1 });
    expect(await commitReservation(db.sql, shop.origin, id)).toBe("pending");
    expect(await shop.confirm(id)).toBe(true);
    const results = await Promise.all(
      Array.from({ length: 8 }, () => commitReservation(db.sql, shop.origin, id)),
    );
    expect(results.toSorted()).toEqual(["committed", ...Array(7).fill("settled")]);
    expect(await shop.levels()).toEqual([
      ["a", 3, 0],
      ["b", 4, 0],
    ]);
    // What can be sold stayed the same.
    expect(await shop.changedProducts()).toEqual([]);
  });

  test("that has lapsed is asked to be released once, and released once", async () => {
    const shop = open();
    await shop.set([row("a", 5)]);
    const { id } = await shop.claim({ a: 2 }, { expiresIn: "-1 second" });
    expect(await shop.confirm(id)).toBe(false);
    await Promise.all([sweepReservations(db), sweepReservations(db), sweepReservations(db)]);
    expect(await shop.jobs("stock.release")).toBe(1);
    const results = await Promise.all(
      Array.from({ length: 4 }, () => releaseLapsed(db.sql, shop.origin, id)),
    );
    expect(results.toSorted()).toEqual(["released", "settled", "settled", "settled"]);
    expect(await shop.levels()).toEqual([["a", 5, 0]]);
  });

  test("that is alive or confirmed is not released, and not swept", async () => {
    const shop = open();
    await shop.set([row("a", 5)]);
    const { id } = await shop.claim({ a: 2 });
    expect(await releaseLapsed(db.sql, shop.origin, id)).toBe("alive");
    await shop.confirm(id);
    await sweepReservations(db);
    expect(await shop.jobs("stock.release")).toBe(0);
    const [released] = await db.sql`SELECT inventory.release(${shop.storeId}, ${id}, false) AS yes`;
    expect(released!.yes).toBe(false);
    expect(await commitReservation(db.sql, { storeId: "store_other" }, id)).toBe("unknown");
  });

  test("ends once when commit and release race", async () => {
    const shop = open();
    await shop.set([row("a", 100)]);
    for (let i = 0; i < 10; i++) {
      const { id } = await shop.claim({ a: 1 });
      const [confirmed] = await Promise.all([
        shop.confirm(id),
        db.sql`SELECT inventory.release(${shop.storeId}, ${id}, false)`,
      ]);
      expect(await commitReservation(db.sql, shop.origin, id)).toBe(confirmed ? "committed" : "settled");
    }
    const [[, onHand, reserved]] = (await shop.levels()) as [[string, number, number]];
    expect(reserved).toBe(0);
    const [sold] = await db.sql`SELECT count(*) AS count FROM inventory.reservation
                                WHERE store_id = ${shop.storeId} AND status = 'committed'`;
    expect(onHand).toBe(100 - sold!.count);
  });
});

describe("stock of an import", () => {
  test("is set where the level is new, and left alone where it exists", async () => {
    const shop = open();
    expect(await shop.set([row("a", 5)])).toEqual({ a: true });
    expect(await shop.set([row("a", 9), row("b", 2)])).toEqual({ a: false, b: true });
    expect(await shop.levels()).toEqual([
      ["a", 5, 0],
      ["b", 2, 0],
    ]);
  });

  test("in mode set is absolute, never under what is reserved", async () => {
    const shop = open();
    await shop.set([row("a", 5)]);
    await shop.claim({ a: 3 });
    expect(await shop.set([row("a", 8)], "set")).toEqual({ a: true });
    expect(await shop.levels()).toEqual([["a", 8, 3]]);
    expect(await shop.set([row("a", 1)], "set")).toEqual({ a: true });
    expect(await shop.levels()).toEqual([["a", 3, 3]]);
  });

  test("that comes again from the same job changes nothing, also after sales", async () => {
    const shop = open();
    await shop.set([row("a", 5, { row: 2 })], "set", "imp_1");
    const { id } = await shop.claim({ a: 2 });
    await shop.confirm(id);
    await commitReservation(db.sql, shop.origin, id);
    expect(await shop.set([row("a", 5, { row: 2 })], "set", "imp_1")).toEqual({ a: false });
    expect(await shop.levels()).toEqual([["a", 3, 0]]);
  });

  test("that is the same as before is no change, and its key counts as used all the same", async () => {
    const shop = open();
    await shop.set([row("a", 5)]);
    expect(await shop.set([row("a", 5, { row: 2 })], "set", "imp_2")).toEqual({ a: false });
    const { id } = await shop.claim({ a: 2 });
    await shop.confirm(id);
    await commitReservation(db.sql, shop.origin, id);
    expect(await shop.set([row("a", 5, { row: 2 })], "set", "imp_2")).toEqual({ a: false });
    expect(await shop.levels()).toEqual([["a", 3, 0]]);
  });

  test("brings the policy to sell without stock: new levels take it, existing ones in mode set", async () => {
    const shop = open();
    const policy = async () => {
      const [level] = await db.sql`SELECT backorder FROM inventory.level WHERE store_id = ${shop.storeId}`;
      return level!.backorder;
    };
    await shop.set([row("a", 5, { backorder: true })]);
    expect(await policy()).toBe(true);
    expect(await shop.set([row("a", 5, { backorder: false })], "new")).toEqual({ a: false });
    expect(await shop.set([row("a", 5)], "set")).toEqual({ a: false });
    expect(await policy()).toBe(true);
    // More is promised than there is: stock is set to what is reserved, so that nothing is broken.
    await shop.claim({ a: 7 });
    expect(await shop.set([row("a", 5, { backorder: false })], "set")).toEqual({ a: true });
    expect(await policy()).toBe(false);
    expect(await shop.levels()).toEqual([["a", 7, 7]]);
  });

  test("takes the last of several rows of a variant, and a negative amount as none", async () => {
    const shop = open();
    await shop.set([row("a", 5), row("a", 7), row("b", -4)]);
    expect(await shop.levels()).toEqual([
      ["a", 7, 0],
      ["b", 0, 0],
    ]);
  });

  test("from two imports at once in opposite order goes through", async () => {
    const shop = open();
    const rows = Array.from({ length: 50 }, (_, i) => row(`v${i}`, i));
    await Promise.all([shop.set(rows, "set"), shop.set(rows.toReversed(), "set"), shop.set(rows, "new")]);
    expect(
      (await shop.levels()).map(([, onHand]) => onHand).toSorted((a, b) => Number(a) - Number(b)),
    ).toEqual(rows.map(one => one.onHand));
  });
});
