import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { transaction } from "../../platform/postgres/index.ts";
import { addLine, getCart } from "../carts/index.ts";
import { getOrder } from "../orders/index.ts";
import { setPrices } from "../pricing/index.ts";
import { buy, codeOf, fillCart, jobs, levelOf, openShop, type Shop, statuses } from "./shop.fixture.ts";

let shop: Shop;
beforeEach(async () => {
  shop = await openShop([10, 10]);
});
afterEach(() => shop.drop());

describe("a checkout", () => {
  test("places the order, holds its stock for good and enqueues what follows", async () => {
    const cart = await fillCart(shop, [
      [0, 2],
      [1, 1],
    ]);
    const answer = await buy(shop, cart.id);
    if (answer.status !== 201) throw new Error("not placed");
    expect(answer).toMatchObject({ replayed: false, location: `/store/orders/${answer.order.id}` });
    expect(answer.order).toMatchObject({
      status: "placed",
      paymentStatus: "authorised",
      fulfilmentStatus: "unfulfilled",
      email: "buyer@example.com",
      subtotalMinor: 4_000,
      totalMinor: 4_000,
      currency: "EUR",
      lines: [
        {
          variantId: shop.variants[0],
          sku: "SKU-0",
          title: "Product 0",
          quantity: 2,
          unitMinor: 1_000,
          totalMinor: 2_000,
        },
        {
          variantId: shop.variants[1],
          sku: "SKU-1",
          title: "Product 1",
          quantity: 1,
          unitMinor: 2_000,
          totalMinor: 2_000,
        },
      ],
    });
    expect(answer.order.number).toMatch(/^[0-9A-HJKMNP-TV-Z]{8}$/);
    expect(await getOrder(shop.sql, shop.store.id, answer.order.id)).toEqual(answer.order);
    expect(await levelOf(shop)).toEqual({ onHand: 10, reserved: 2 });
    expect(await jobs(shop)).toEqual(["catalog.count_sale", "catalog.restock", "email.send", "stock.commit"]);
    expect(await getCart(shop.sql, shop.store.id, cart.id)).toMatchObject({
      status: "completed",
      orderId: answer.order.id,
    });
  });

  test("gives the same answer to the same key, and another request under it is refused", async () => {
    const cart = await fillCart(shop, [[0, 1]]);
    const first = await buy(shop, cart.id, { key: "k" });
    const again = await buy(shop, cart.id, { key: "k" });
    expect(JSON.stringify(again)).toBe(JSON.stringify({ ...first, replayed: true }));
    expect(await codeOf(buy(shop, cart.id, { key: "k", token: "decline" }))).toBe("idempotency_key_reused");
    const other = await fillCart(shop, [[0, 1]]);
    expect(await codeOf(buy(shop, other.id, { key: "k" }))).toBe("idempotency_key_reused");
    expect(await levelOf(shop)).toEqual({ onHand: 10, reserved: 1 });
  });

  test("of a finished cart under a second key names the order", async () => {
    const cart = await fillCart(shop, [[0, 1]]);
    const first = await buy(shop, cart.id);
    const problem = await buy(shop, cart.id).catch(error => error);
    expect(problem).toMatchObject({ status: 409, code: "cart_completed" });
    if (first.status === 201) expect(problem.more.extensions).toEqual({ orderId: first.order.id });
  });

  test("that is declined frees stock and cart; its key keeps the answer, another key may pay", async () => {
    const cart = await fillCart(shop, [[0, 3]]);
    const declined = await buy(shop, cart.id, { key: "k", token: "decline" });
    expect(declined).toMatchObject({ status: 402, replayed: false, refusal: { code: "payment_declined" } });
    expect(await levelOf(shop)).toEqual({ onHand: 10, reserved: 0 });
    expect(await buy(shop, cart.id, { key: "k", token: "decline" })).toMatchObject({
      status: 402,
      replayed: true,
    });
    expect(await statuses(shop)).toMatchObject({
      orders: ["refused"],
      intents: ["declined"],
      carts: ["open"],
    });
    expect(await buy(shop, cart.id, { key: "k2" })).toMatchObject({ status: 201 });
  });

  test("without enough stock names the lines, changes nothing and keeps the answer", async () => {
    const cart = await fillCart(shop, [
      [0, 1],
      [1, 11],
    ]);
    const short = { variantId: shop.variants[1]!, requested: 11, available: 10 };
    const refused = await buy(shop, cart.id, { key: "k" });
    expect(refused).toMatchObject({ status: 409, refusal: { code: "out_of_stock", lines: [short] } });
    expect(await buy(shop, cart.id, { key: "k" })).toMatchObject({ status: 409, replayed: true });
    expect(await levelOf(shop, 0)).toEqual({ onHand: 10, reserved: 0 });
    expect(await statuses(shop)).toMatchObject({
      orders: [],
      reservations: [],
      charges: [],
      carts: ["open"],
    });
    expect(await jobs(shop)).toEqual([]);
  });

  test("after a price change is refused until the cart was read again, under the same key", async () => {
    const cart = await fillCart(shop, [[0, 1]]);
    const [variantId, productId] = [shop.variants[0]!, shop.products[0]!];
    await transaction(shop.sql, tx =>
      setPrices(tx, shop.store.id, "EUR", [{ variantId, productId, amountMinor: 900, compareAtMinor: null }]),
    );
    const problem = await buy(shop, cart.id, { key: "k" }).catch(error => error);
    expect(problem).toMatchObject({
      code: "price_changed",
      more: { extensions: { shownTotalMinor: 1_000, totalMinor: 900, currency: "EUR" } },
    });
    expect((await getCart(shop.sql, shop.store.id, cart.id)).totalMinor).toBe(900);
    expect(await buy(shop, cart.id, { key: "k" })).toMatchObject({ status: 201 });
  });

  test("of an empty, unknown or foreign cart is refused and leaves the key free", async () => {
    const empty = await fillCart(shop, []);
    expect(await codeOf(buy(shop, empty.id, { key: "k" }))).toBe("invalid");
    expect(await codeOf(buy(shop, "cart_00000000000000000000000000000000", { key: "k" }))).toBe("not_found");
    expect(await codeOf(buy(shop, "cart_%00'--", { key: "k" }))).toBe("not_found");
    const full = await fillCart(shop, [[0, 1]]);
    const elsewhere = { ...shop, store: { ...shop.store, id: "store_other" } };
    expect(await codeOf(buy(elsewhere, full.id))).toBe("not_found");
    expect(await buy(shop, full.id, { key: "k" })).toMatchObject({ status: 201 });
  });

  test("while another one of the cart runs is told to wait, and so are changes", async () => {
    const cart = await fillCart(shop, [[0, 1]]);
    const seen: string[] = [];
    const between = async (step: string) => {
      if (step !== "begun") return;
      seen.push(await codeOf(buy(shop, cart.id, { key: "k" })));
      seen.push(await codeOf(buy(shop, cart.id, { key: "other" })));
      seen.push(
        await codeOf(
          addLine(shop.sql, shop.store.id, cart.id, { variantId: shop.variants[1]!, quantity: 1 }),
        ),
      );
    };
    expect(await buy(shop, cart.id, { key: "k", deps: { between } })).toMatchObject({ status: 201 });
    expect(seen).toEqual(["in_progress", "in_progress", "in_progress"]);
  });

  test("of an archived product finds nothing available", async () => {
    const cart = await fillCart(shop, [[0, 1]]);
    await shop.sql`UPDATE catalog.product SET status = 'archived' WHERE id = ${shop.products[0]!}`;
    const answer = await buy(shop, cart.id);
    expect(answer).toMatchObject({ status: 409, refusal: { lines: [{ requested: 1, available: 0 }] } });
  });
});

describe("a checkout asked for many times at once", () => {
  test("under one key charges and places once, and everyone who is answered gets the same", async () => {
    const cart = await fillCart(shop, [[0, 1]]);
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () => buy(shop, cart.id, { key: "k" })),
    );
    const placed = results.flatMap(one =>
      one.status === "fulfilled" && one.value.status === 201 ? [one.value.order.id] : [],
    );
    const refused = results.flatMap(one => (one.status === "rejected" ? [one.reason.code] : []));
    expect(new Set(placed).size).toBe(1);
    expect(new Set(refused).size).toBeLessThanOrEqual(1);
    expect(await levelOf(shop)).toEqual({ onHand: 10, reserved: 1 });
    expect(await statuses(shop)).toMatchObject({ orders: ["placed"], charges: ["authorised"] });
  });

  test("under many keys places once", async () => {
    const cart = await fillCart(shop, [[0, 1]]);
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => buy(shop, cart.id)));
    expect(results.filter(one => one.status === "fulfilled")).toHaveLength(1);
    expect(await statuses(shop)).toMatchObject({ orders: ["placed"], charges: ["authorised"] });
  });
});
