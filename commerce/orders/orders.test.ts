import { afterAll, beforeAll, expect, test } from "bun:test";
import { buy, codeOf, fillCart, openShop, type Shop } from "../checkout/shop.fixture.ts";
import { getOrder, listOrders } from "./index.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await openShop([1_000]);
});
afterAll(() => shop.drop());

async function place(): Promise<{ id: string; number: string }> {
  const answer = await buy(shop, (await fillCart(shop, [[0, 1]])).id);
  if (answer.status !== 201) throw new Error("not placed");
  return answer.order;
}

test("numbers are eight letters and digits at random, whatever came before", async () => {
  const rows = await shop.sql<{ number: string }[]>`
    SELECT orders.random_number() AS number FROM generate_series(1, 2000)`;
  expect(new Set(rows.map(row => row.number)).size).toBe(2_000);
  expect(rows.every(row => /^[0-9A-HJKMNP-TV-Z]{8}$/.test(row.number))).toBe(true);
  // Every letter and digit stands at every place: no bits are fixed.
  for (let place = 0; place < 8; place++) {
    expect(new Set(rows.map(row => row.number[place])).size).toBe(32);
  }
});

test("a number that is taken is drawn again", async () => {
  const { number } = await place();
  await shop.sql.unsafe(`
    CREATE SEQUENCE drawn;
    ALTER FUNCTION orders.random_number() RENAME TO really_random;
    CREATE FUNCTION orders.random_number() RETURNS text LANGUAGE sql VOLATILE AS $$
      SELECT CASE WHEN nextval('drawn') <= 3 THEN '${number}' ELSE orders.really_random() END $$`);
  expect((await place()).number).not.toBe(number);
  await shop.sql.unsafe(`
    DROP FUNCTION orders.random_number();
    ALTER FUNCTION orders.really_random() RENAME TO random_number`);
});

test("an order moves only along the table of transitions", async () => {
  const { id } = await place();
  const move = async (from: string, to: string) => {
    const [row] = await shop.sql`SELECT orders.move(${shop.store.id}, ${id}, ${from}, ${to}, NULL) AS yes`;
    return row!.yes;
  };
  expect(await move("pending", "placed")).toBe(false);
  expect(await move("placed", "pending")).toBe(false);
  expect(await move("placed", "refused")).toBe(false);
  const moved = await Promise.all([move("placed", "completed"), move("placed", "cancelled")]);
  expect(moved.filter(Boolean)).toHaveLength(1);
});

test("pages of the list stay the same while orders come in", async () => {
  for (let i = 0; i < 5; i++) await place();
  const first = await listOrders(shop.sql, shop.store.id, { limit: 3 });
  await place();
  const second = await listOrders(shop.sql, shop.store.id, { limit: 3, cursor: first.nextCursor! });
  const ids = [...first.items, ...second.items].map(order => order.id);
  expect(ids).toEqual([...ids].toSorted().toReversed());
  expect(new Set(ids).size).toBe(ids.length);
  expect(await codeOf(listOrders(shop.sql, shop.store.id, { limit: 3, cursor: "bogus" }))).toBe("invalid");
  expect(await getOrder(shop.sql, "store_other", ids[0]!)).toBeNull();
});
