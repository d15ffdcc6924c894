/** What carts and orders cost: lists, tax and shipping, to the minor unit. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { buy, codeOf, fillCart, openShop, type Shop } from "../checkout/shop.fixture.ts";
import { createPriceList } from "../pricing/index.ts";
import { changeShippingMethod, createShippingMethod, deleteShippingMethod } from "../shipping/index.ts";
import {
  changeTaxRate,
  changeTaxSettings,
  createTaxRate,
  setTaxCategory,
  type TaxCategory,
} from "../taxes/index.ts";
import { addLine, type Cart, changeCart, createCart, getCart } from "./index.ts";

let shop: Shop;
const author = () => ({ storeId: shop.store.id, actor: "key_test" });

beforeAll(async () => {
  shop = await openShop([9_999, 9_999, 9_999]);
});
afterAll(() => shop.drop());
afterEach(async () => {
  await shop.sql`DELETE FROM taxes.rate`;
  await shop.sql`DELETE FROM taxes.setting`;
  await shop.sql`DELETE FROM taxes.product_category`;
  await shop.sql`DELETE FROM pricing.price_list`;
  await shop.sql`DELETE FROM shipping.method`;
});

const address = (country: string, region?: string) => ({
  name: "Ada",
  line1: "1 Quay",
  city: "Porto",
  postalCode: "4000",
  country,
  ...(region === undefined ? {} : { region }),
});

const rate = (country: string, ratePpm: number, category: TaxCategory = "standard", region?: string) =>
  createTaxRate(shop.sql, author(), { country, ratePpm, category, name: `${country} ${category}`, region });

const method = (amountMinor: number, more = {}) =>
  createShippingMethod(shop.sql, author(), { name: "Post", amountMinor, ...more });

const change = (cart: Cart, fields: Parameters<typeof changeCart>[3]) =>
  changeCart(shop.sql, shop.store.id, cart.id, fields);

/** Exact, by integers of any size: the nearest unit, halves away from zero. */
function taxOf(amount: number, ppm: number, included: boolean): number {
  const [a, p] = [BigInt(amount), BigInt(ppm)];
  const d = included ? 1_000_000n + p : 1_000_000n;
  return Number((2n * a * p + d) / (2n * d));
}

describe("tax of an amount", () => {
  test("is rounded to the nearest unit, halves away from zero", async () => {
    const cases: [number, number, boolean, number][] = [
      [1, 500_000, false, 1],
      [1, 499_999, false, 0],
      [-1, 500_000, false, -1],
      [1_000, 190_000, false, 190],
      [999, 190_000, false, 190],
      [1_190, 190_000, true, 190],
      [999, 190_000, true, 160],
      [3, 1_000_000, true, 2],
      [0, 190_000, true, 0],
      [1_000, 88_750, false, 89],
    ];
    for (const [amount, ppm, included, expected] of cases) {
      const [row] = await shop.sql`SELECT taxes.of(${amount}, ${ppm}, ${included}) AS tax`;
      expect([amount, ppm, row!.tax]).toEqual([amount, ppm, expected]);
    }
  });

  test("is exact for every amount, and an amount with tax is its net and its tax", async () => {
    const one = fc.record({
      amount: fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.maxSafeNat()),
      ppm: fc.oneof(fc.constantFrom(0, 50_000, 70_000, 88_750, 190_000, 200_000), fc.nat(1_000_000)),
      included: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: 50, maxLength: 200 }), async cases => {
        const rows = await shop.sql`
          SELECT taxes.of(c.amount, c.ppm, c.included) AS tax
          FROM ROWS FROM (jsonb_to_recordset(${shop.sql.json(cases)})
               AS (amount bigint, ppm integer, included boolean)) WITH ORDINALITY AS c(amount, ppm, included, n)
          ORDER BY n`;
        for (const [i, { amount, ppm, included }] of cases.entries()) {
          expect(rows[i]!.tax).toBe(taxOf(amount, ppm, included));
          if (!included) continue;
          // The net that is left, taxed again, differs by the rounding of one unit at most.
          const net = amount - rows[i]!.tax;
          expect(Math.abs(net + taxOf(net, ppm, false) - amount)).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 15 },
    );
  });
});

describe("tax of a cart", () => {
  test("is added to its lines and shipping, each rounded by itself", async () => {
    await rate("DE", 190_000);
    await rate("DE", 70_000, "reduced");
    await setTaxCategory(shop.sql, author(), shop.products[1]!, "reduced");
    await setTaxCategory(shop.sql, author(), shop.products[2]!, "zero");
    const { id } = await method(499);
    const cart = await fillCart(shop, [
      [0, 3],
      [1, 1],
      [2, 1],
    ]);
    expect(cart).toMatchObject({ taxMinor: 0, totalMinor: 8_000, taxIncluded: false });
    const taxed = await change(cart, { shippingAddress: address("DE"), shippingMethod: id });
    expect(taxed.lines.map(line => [line.taxRatePpm, line.taxMinor])).toEqual([
      [190_000, 570],
      [70_000, 140],
      [0, 0],
    ]);
    expect(taxed).toMatchObject({
      subtotalMinor: 8_000,
      shippingMinor: 499,
      taxMinor: 570 + 140 + 95,
      totalMinor: 8_000 + 499 + 805,
    });
  });

  test("is contained in the total where prices include it", async () => {
    await rate("DE", 190_000);
    await changeTaxSettings(shop.sql, author(), "any", { pricesIncludeTax: true, defaultCountry: "DE" });
    const cart = await fillCart(shop, [[0, 1]]);
    expect(cart).toMatchObject({ taxIncluded: true, subtotalMinor: 1_000, taxMinor: 160, totalMinor: 1_000 });
    const answer = await buy(shop, cart.id);
    if (answer.status !== 201) throw new Error("not placed");
    expect(answer.order).toMatchObject({ taxIncluded: true, taxMinor: 160, totalMinor: 1_000 });
  });

  test("is that of the region, else of the country, and reduced falls back to standard", async () => {
    await rate("CA", 50_000);
    await rate("CA", 149_750, "standard", "qc");
    const cart = await fillCart(shop, [[0, 1]]);
    const ppm = async (country: string, region?: string) =>
      (await change(cart, { shippingAddress: address(country, region) })).lines[0]!.taxRatePpm;
    expect(await ppm("CA")).toBe(50_000);
    expect(await ppm("CA", "ON")).toBe(50_000);
    expect(await ppm("CA", "Qc")).toBe(149_750);
    expect(await ppm("US", "QC")).toBe(0);
    await setTaxCategory(shop.sql, author(), shop.products[0]!, "reduced");
    expect(await ppm("CA", "QC")).toBe(149_750);
    await rate("CA", 10_000, "reduced");
    expect(await ppm("CA", "ON")).toBe(10_000);
  });

  test("is not due on a variant that is not taxable", async () => {
    await rate("DE", 190_000);
    const cart = await fillCart(shop, [[0, 1]]);
    await shop.sql`UPDATE catalog.variant SET taxable = false WHERE id = ${shop.variants[0]!}`;
    expect((await change(cart, { shippingAddress: address("DE") })).taxMinor).toBe(0);
    await shop.sql`UPDATE catalog.variant SET taxable = true WHERE id = ${shop.variants[0]!}`;
    expect((await getCart(shop.sql, shop.store.id, cart.id)).taxMinor).toBe(190);
  });
});

describe("shipping of a cart", () => {
  test("costs what its method costs, and nothing from its threshold on", async () => {
    const { id } = await method(500, { freeOverMinor: 3_000 });
    const cart = await fillCart(shop, [[0, 2]]);
    expect(await change(cart, { shippingMethod: id })).toMatchObject({
      shippingMethod: id,
      shippingMinor: 500,
      totalMinor: 2_500,
    });
    const more = { variantId: shop.variants[0]!, quantity: 1 };
    expect(await addLine(shop.sql, shop.store.id, cart.id, more)).toMatchObject({
      shippingMinor: 0,
      totalMinor: 3_000,
    });
    expect(await change(cart, { shippingMethod: null })).toMatchObject({
      shippingMethod: null,
      totalMinor: 3_000,
    });
  });

  test("is refused with a method that is unknown, foreign, of another currency or not offered there", async () => {
    const here = await method(500, { countries: ["DE", "AT"] });
    const cart = await fillCart(shop, [[0, 1]]);
    const choose = (shippingMethod: string, more = {}) => codeOf(change(cart, { shippingMethod, ...more }));
    expect(await choose("ship_00000000000000000000000000")).toBe("unknown_shipping_method");
    expect(await choose("express")).toBe("unknown_shipping_method");
    expect(await choose(here.id, { shippingAddress: address("US") })).toBe("shipping_method_not_offered");
    expect((await getCart(shop.sql, shop.store.id, cart.id)).shippingAddress).toBeNull();
    expect(await choose(here.id, { shippingAddress: address("AT") })).toBe("no problem");
    await changeShippingMethod(shop.sql, author(), here.id, here.version, { status: "draft" });
    expect(await choose(here.id)).toBe("unknown_shipping_method");
  });

  test("loses its method when the address moves to where it is not offered", async () => {
    const { id } = await method(500, { countries: ["DE"] });
    const cart = await fillCart(shop, [[0, 1]]);
    await change(cart, { shippingAddress: address("DE"), shippingMethod: id });
    const moved = await change(cart, { shippingAddress: address("US") });
    expect(moved).toMatchObject({ shippingMethod: null, shippingMinor: 0, totalMinor: 1_000 });
    const back = await change(cart, { shippingAddress: address("DE") });
    expect(back.shippingMethod).toBeNull();
  });

  test("of a cart without anything that can be bought costs nothing", async () => {
    const { id } = await method(500);
    const cart = await createCart(shop.sql, shop.store.id, { shippingMethod: id });
    expect(cart).toMatchObject({ shippingMethod: id, shippingMinor: 0, totalMinor: 0 });
  });
});

describe("a checkout", () => {
  test("charges what the cart showed and keeps it in the order, line by line", async () => {
    await rate("DE", 190_000);
    const { id, name } = await method(499);
    const entries = [{ variantId: shop.variants[0]!, amountMinor: 333, minQuantity: 3 }];
    const sale = await createPriceList(shop.sql, author(), {
      name: "S",
      type: "sale",
      status: "active",
      entries,
    });
    let cart = await fillCart(shop, [
      [0, 3],
      [1, 1],
    ]);
    cart = await change(cart, { shippingAddress: address("DE"), shippingMethod: id, note: "Ring\ntwice" });
    expect(cart.lines[0]).toMatchObject({ unitMinor: 333, compareAtMinor: 1_000, source: `sale:${sale.id}` });
    const answer = await buy(shop, cart.id);
    if (answer.status !== 201) throw new Error("not placed");
    const { order } = answer;
    for (const field of [
      "subtotalMinor",
      "discountMinor",
      "shippingMinor",
      "taxMinor",
      "totalMinor",
    ] as const) {
      expect([field, order[field]]).toEqual([field, cart[field]]);
    }
    expect(order.lines.map(line => [line.unitMinor, line.source, line.taxRatePpm, line.taxMinor])).toEqual([
      [333, `sale:${sale.id}`, 190_000, 190],
      [2_000, "base", 190_000, 380],
    ]);
    expect(order).toMatchObject({
      note: "Ring\ntwice",
      shippingMethod: { id, name },
      totalMinor: 2_999 + 499 + 570 + 95,
    });
    const [intent] = await shop.sql`SELECT amount_minor FROM payments.intent WHERE order_id = ${order.id}`;
    expect(intent!.amount_minor).toBe(order.totalMinor);
  });

  test("is refused when a sale, a rate or a method changed the total since it was shown", async () => {
    const tax = await rate("DE", 190_000);
    const post = await method(500);
    const cart = await fillCart(shop, [[0, 1]]);
    await change(cart, { shippingAddress: address("DE"), shippingMethod: post.id });
    const refused = async () => {
      expect(await codeOf(buy(shop, cart.id))).toBe("price_changed");
      return (await getCart(shop.sql, shop.store.id, cart.id)).totalMinor;
    };
    const entries = [{ variantId: shop.variants[0]!, amountMinor: 900 }];
    await createPriceList(shop.sql, author(), { name: "S", type: "sale", status: "active", entries });
    expect(await refused()).toBe(900 + 171 + 595);
    await changeTaxRate(shop.sql, author(), tax.id, tax.version, { ratePpm: 0 });
    expect(await refused()).toBe(1_400);
    await changeShippingMethod(shop.sql, author(), post.id, "any", { amountMinor: 0 });
    expect(await refused()).toBe(900);
    // Free shipping that is withdrawn changes no total, but what was shown can't be had any more.
    await deleteShippingMethod(shop.sql, author(), post.id, "any");
    expect(await refused()).toBe(900);
    expect(await buy(shop, cart.id)).toMatchObject({ status: 201, order: { shippingMethod: null } });
  });
});

test("a cart whose prices rose beyond what numbers hold is shown, and can't be checked out", async () => {
  const wanted = shop.variants.map((_, i) => [i, 9_999] as const);
  const cart = await fillCart(shop, wanted);
  const rows = Array.from({ length: 97 }, (_, i) => ({
    store_id: shop.store.id,
    cart_id: cart.id,
    id: `line_${String(i).padStart(8, "0")}`,
    variant_id: `var_${String(i).padStart(8, "0")}`,
    quantity: 9_999,
  }));
  await shop.sql`INSERT INTO carts.line ${shop.sql(rows)}`;
  await shop.sql`
    INSERT INTO catalog.variant (store_id, id, product_id, position, title, option_values)
    SELECT store_id, variant_id, ${shop.products[0]!}, 1, 'x', ARRAY[variant_id]
    FROM carts.line WHERE cart_id = ${cart.id} AND variant_id LIKE 'var_000000%'`;
  await shop.sql`
    INSERT INTO pricing.price (store_id, variant_id, currency, product_id, amount_minor)
    SELECT store_id, variant_id, 'EUR', ${shop.products[0]!}, 10000000000
    FROM carts.line WHERE cart_id = ${cart.id} AND variant_id LIKE 'var_000000%'`;
  for (let i = 0; i < 2; i++) {
    expect((await getCart(shop.sql, shop.store.id, cart.id)).totalMinor).toBeGreaterThan(9e15);
  }
  expect(await codeOf(buy(shop, cart.id))).toBe("price_changed");
});

test("totals are the sums of their lines, whatever is in the cart, and the order has the same", async () => {
  const wanted = fc.record({
    lines: fc.uniqueArray(
      fc.record({
        variant: fc.nat(2),
        quantity: fc.integer({ min: 1, max: 40 }),
        amount: fc.nat(1_000_000),
        category: fc.constantFrom("standard" as const, "reduced" as const, "zero" as const),
      }),
      { selector: line => line.variant, minLength: 1, maxLength: 3 },
    ),
    standard: fc.nat(1_000_000),
    reduced: fc.nat(1_000_000),
    included: fc.boolean(),
    shipping: fc.option(fc.record({ amount: fc.nat(10_000), freeOver: fc.nat(10_000_000) }), { nil: null }),
  });
  await fc.assert(
    fc.asyncProperty(wanted, async ({ lines, standard, reduced, included, shipping }) => {
      await shop.sql`DELETE FROM taxes.rate`;
      await shop.sql`DELETE FROM pricing.price_list`;
      await rate("DE", standard);
      await rate("DE", reduced, "reduced");
      await changeTaxSettings(shop.sql, author(), "any", { pricesIncludeTax: included });
      for (const { variant, category } of lines) {
        await setTaxCategory(shop.sql, author(), shop.products[variant]!, category);
      }
      const entries = lines.map(one => ({ variantId: shop.variants[one.variant]!, amountMinor: one.amount }));
      await createPriceList(shop.sql, author(), { name: "O", type: "override", status: "active", entries });
      const post = shipping && (await method(shipping.amount, { freeOverMinor: shipping.freeOver }));
      const filled = await fillCart(
        shop,
        lines.map(one => [one.variant, one.quantity] as const),
      );
      const cart = await change(filled, { shippingAddress: address("DE"), shippingMethod: post?.id ?? null });

      const ppm = { standard, reduced, zero: 0 };
      const subtotal = lines.reduce((sum, one) => sum + one.amount * one.quantity, 0);
      const lineTax = lines.reduce(
        (sum, one) => sum + taxOf(one.amount * one.quantity, ppm[one.category], included),
        0,
      );
      const shippingMinor = shipping && subtotal < shipping.freeOver ? shipping.amount : 0;
      const tax = lineTax + taxOf(shippingMinor, standard, included);
      const totals = {
        subtotalMinor: subtotal,
        discountMinor: 0,
        shippingMinor,
        taxMinor: tax,
        taxIncluded: included,
        totalMinor: subtotal + shippingMinor + (included ? 0 : tax),
      };
      expect(cart).toMatchObject(totals);
      expect(cart.lines.reduce((sum, line) => sum + line.totalMinor, 0)).toBe(subtotal);
      expect(cart.lines.reduce((sum, line) => sum + line.taxMinor, 0)).toBe(lineTax);
      await shop.sql`UPDATE inventory.level SET on_hand = 9999, reserved = 0`;
      const answer = await buy(shop, cart.id);
      if (answer.status !== 201) throw new Error(`not placed: ${JSON.stringify(answer)}`);
      expect(answer.order).toMatchObject(totals);
      expect(answer.order.lines.reduce((sum, line) => sum + line.taxMinor, 0)).toBe(lineTax);
    }),
    { numRuns: 25 },
  );
}, 60_000);
