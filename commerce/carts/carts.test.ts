import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { codeOf, fillCart, openShop, type Shop } from "../checkout/shop.fixture.ts";
import { enableCurrency } from "../pricing/index.ts";
import { addLine, createCart, getCart, limits, removeLine, setQuantity } from "./index.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await openShop(Array.from({ length: limits.lines + 1 }, () => 5));
});
afterAll(() => shop.drop());

const add = (cartId: string, variant: number, quantity = 1) =>
  addLine(shop.sql, shop.store.id, cartId, { variantId: shop.variants[variant]!, quantity });

describe("a cart", () => {
  test("holds at most 100 lines", async () => {
    const cart = await fillCart(shop, []);
    const rows = shop.variants.slice(0, limits.lines).map((variant_id, i) => ({
      store_id: shop.store.id,
      cart_id: cart.id,
      id: `line_${String(i).padStart(8, "0")}`,
      variant_id,
      quantity: 1,
    }));
    await shop.sql`INSERT INTO carts.line ${shop.sql(rows)}`;
    expect(await codeOf(add(cart.id, limits.lines))).toBe("invalid");
    expect((await add(cart.id, 0)).lines).toHaveLength(limits.lines);
  });

  test("merges what many add of one variant at the same time", async () => {
    const cart = await createCart(shop.sql, shop.store.id);
    await Promise.all(Array.from({ length: 20 }, (_, i) => add(cart.id, i % 2, 1)));
    const read = await getCart(shop.sql, shop.store.id, cart.id);
    expect(read.lines.map(line => line.quantity)).toEqual([10, 10]);
    expect(read.version).toBe(21);
  });

  test("keeps a line that can't be bought any more, and counts it nothing", async () => {
    const cart = await fillCart(shop, [
      [3, 1],
      [4, 2],
    ]);
    await shop.sql`UPDATE catalog.product SET status = 'archived' WHERE id = ${shop.products[3]!}`;
    const read = await getCart(shop.sql, shop.store.id, cart.id);
    expect(read.lines.map(line => [line.sellable, line.totalMinor])).toEqual([
      [false, 0],
      [true, 10_000],
    ]);
    expect(read.totalMinor).toBe(10_000);
    expect(await codeOf(add(cart.id, 3))).toBe("not_for_sale");
  });

  test("in a currency without prices takes no lines", async () => {
    const open = () => createCart(shop.sql, shop.store.id, { currency: "JPY" });
    expect(await codeOf(open())).toBe("invalid");
    await enableCurrency(shop.sql, { storeId: shop.store.id, actor: "test" }, shop.store, "JPY");
    expect(await codeOf(add((await open()).id, 0))).toBe("no_price");
  });

  test("does not let another cart change its lines", async () => {
    const mine = await fillCart(shop, [[0, 1]]);
    const other = await createCart(shop.sql, shop.store.id);
    const lineId = mine.lines[0]!.id;
    expect(await codeOf(setQuantity(shop.sql, shop.store.id, other.id, lineId, 5))).toBe("not_found");
    expect(await codeOf(removeLine(shop.sql, shop.store.id, other.id, lineId))).toBe("not_found");
  });
});
