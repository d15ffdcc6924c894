import { afterAll, beforeAll, expect, test } from "bun:test";
import { fillCart, openShop, type Shop } from "../checkout/shop.fixture.ts";
import { abandonCarts, addLine } from "./index.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await openShop([100]);
});
afterAll(() => shop.drop());

const sweep = () => abandonCarts({ sql: shop.sql, idleHours: 24 });
const idle = (id: string, hours: number) =>
  shop.sql`UPDATE carts.cart SET updated_at = now() - ${hours} * interval '1 hour' WHERE id = ${id}`;

test("an open cart with lines that nobody changed for a day is abandoned, once, until it is changed", async () => {
  const [left, fresh, empty] = [
    await fillCart(shop, [[0, 1]]),
    await fillCart(shop, [[0, 1]]),
    await fillCart(shop, []),
  ];
  await idle(left.id, 25);
  await idle(fresh.id, 23);
  await idle(empty.id, 25);
  expect(await sweep()).toBe(1);
  expect(await sweep()).toBe(0);
  await addLine(shop.sql, shop.store.id, left.id, { variantId: shop.variants[0]!, quantity: 1 });
  await idle(left.id, 25);
  expect(await sweep()).toBe(1);
});

test("many keepers at once tell of each cart once, and a change of a cart stays within its page", async () => {
  const carts = await Promise.all(Array.from({ length: 30 }, () => fillCart(shop, [[0, 1]])));
  await Promise.all(carts.map(cart => idle(cart.id, 30)));
  const counts = await Promise.all([sweep(), sweep(), sweep()]);
  expect(counts.reduce((a, b) => a + b)).toBe(30);
  const [index] = await shop.sql`
    SELECT count(*)::int AS n FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_am a ON a.oid = c.relam
    WHERE i.indrelid = 'carts.cart'::regclass AND a.amname <> 'brin'
      AND pg_get_indexdef(i.indexrelid) ~ '(status|updated_at|order_id|version|shown_total)'`;
  expect(index!.n).toBe(0);
});
