import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type FreshDatabase, freshDatabase } from "../../platform/testing/index.ts";
import { countSales } from "../storefront/index.ts";
import { createStore } from "../stores/index.ts";
import { boughtTogether, learnOrders, MAX_OF_ORDER } from "./index.ts";

let db: FreshDatabase;
let storeId: string;
beforeEach(async () => {
  db = await freshDatabase();
  storeId = (await createStore(db.sql, { name: "Test", currency: "EUR" })).id;
}, 120_000);
afterEach(() => db.drop());

let last = 0;

async function order(products: readonly string[], status = "placed"): Promise<string> {
  const id = `ord_${String(++last).padStart(8, "0")}`;
  await db.sql`
    INSERT INTO orders.order (store_id, id, number, status, cart_id, reservation_id, intent_id, currency,
                              subtotal_minor, total_minor)
    VALUES (${storeId}, ${id}, ${id}, ${status}, 'c', 'r', 'i', 'EUR', 1, 1)`;
  await db.sql`
    INSERT INTO orders.line (store_id, order_id, position, variant_id, product_id, title, quantity, unit_minor, total_minor)
    SELECT ${storeId}, ${id}, n, 'v' || n, p, 't', 1, 1, 1
    FROM unnest(${products as string[]}::text[]) WITH ORDINALITY o (p, n)`;
  return id;
}

const together = (product: string) => boughtTogether(db.sql, storeId, product, 10);

describe("bought together", () => {
  test("are the products of the same orders, of one store, the likeliest first", async () => {
    const ids = [
      await order(["belt", "bag"]),
      await order(["belt", "bag"]),
      await order(["belt", "shoes", "bag"]),
      await order(["belt", "shoes"]),
      await order(["kettle"]),
      await order(["belt", "kettle"], "refused"),
    ];
    await learnOrders(db.sql, storeId, ids);
    expect(await together("belt")).toEqual(["bag", "shoes"]);
    expect(await together("shoes")).toEqual(["belt", "bag"]);
    expect(await together("kettle")).toEqual([]);
    expect(await boughtTogether(db.sql, "store_other", "belt", 10)).toEqual([]);
    expect(await boughtTogether(db.sql, storeId, "belt", 1)).toEqual(["bag"]);
  });

  test("what everybody buys goes with everything, and comes after what goes with this alone", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.push(await order(["carrier bag", `thing ${i}`]));
    ids.push(await order(["tent", "pegs"]), await order(["tent", "carrier bag"]));
    await learnOrders(db.sql, storeId, ids);
    expect(await together("tent")).toEqual(["pegs", "carrier bag"]);
  });

  test("an order counts once, whichever jobs bring it how often and at the same time", async () => {
    const ids = [await order(["a", "b"]), await order(["b", "a"]), await order(["a", "a", "b"])];
    await Promise.all([
      learnOrders(db.sql, storeId, ids),
      learnOrders(db.sql, storeId, ids.toReversed()),
      learnOrders(db.sql, storeId, [ids[1]!, ids[1]!]),
    ]);
    expect(await db.sql`SELECT product_id, other_id, orders FROM recommendations.pair ORDER BY 1`).toEqual([
      { product_id: "a", other_id: "b", orders: 3 },
      { product_id: "b", other_id: "a", orders: 3 },
    ] as never);
  });

  test("an order of many products does not count all of their pairs", async () => {
    const many = Array.from({ length: 200 }, (_, i) => `product ${i}`);
    await learnOrders(db.sql, storeId, [await order(many)]);
    const [row] = await db.sql`SELECT count(*)::integer AS n FROM recommendations.pair`;
    expect(row?.n).toBe(MAX_OF_ORDER * (MAX_OF_ORDER - 1));
  });

  test("sums are those of all orders, in whatever portions they were learnt", async () => {
    const product = fc.constantFrom("a", "b", "c", "d", "e");
    const orders = fc.array(fc.array(product, { minLength: 1, maxLength: 5 }), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(orders, fc.integer({ min: 1, max: 4 }), async (baskets, portion) => {
        await db.sql`TRUNCATE recommendations.pair, recommendations.product`;
        const ids: string[] = [];
        for (const basket of baskets) ids.push(await order(basket));
        const portions = [];
        for (let at = 0; at < ids.length; at += portion) portions.push(ids.slice(at, at + portion));
        await Promise.all(portions.map(some => learnOrders(db.sql, storeId, some)));
        const expected = new Map<string, number>();
        for (const basket of baskets.map(one => [...new Set(one)])) {
          for (const a of basket)
            for (const b of basket)
              if (a !== b) expected.set(`${a} ${b}`, (expected.get(`${a} ${b}`) ?? 0) + 1);
        }
        const rows =
          await db.sql`SELECT product_id || ' ' || other_id AS pair, orders FROM recommendations.pair`;
        expect(new Map(rows.map(row => [row.pair, row.orders]))).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });

  test("orders come to be learnt by being counted as sold, one job for all of them, once", async () => {
    const ids = [await order(["a", "b"]), await order(["a", "c"])];
    await db.sql`DELETE FROM bus.outbox`;
    await countSales(db.sql, storeId, ids);
    await countSales(db.sql, storeId, ids);
    const jobs = await db.sql`SELECT payload FROM bus.outbox WHERE kind = 'recommendations.learn'`;
    expect(jobs.map(job => [...job.payload.orderIds].toSorted())).toEqual([ids]);
  });
});
