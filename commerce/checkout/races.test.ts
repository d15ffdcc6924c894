import { expect, test } from "bun:test";
import { deadlockRetries } from "../../platform/postgres/index.ts";
import { buy, fillCart, jobs, levelOf, openShop, statuses } from "./shop.fixture.ts";

test("100 buyers and 7 units: exactly 7 orders, and 93 are told that it is out of stock", async () => {
  const shop = await openShop([7]);
  const carts = await Promise.all(Array.from({ length: 100 }, () => fillCart(shop, [[0, 1]])));
  const answers = await Promise.all(carts.map(cart => buy(shop, cart.id)));
  expect(answers.filter(one => one.status === 201)).toHaveLength(7);
  expect(answers.filter(one => one.status === 409)).toHaveLength(93);
  expect(await levelOf(shop)).toEqual({ onHand: 7, reserved: 7 });
  expect((await jobs(shop)).filter(kind => kind === "stock.commit")).toHaveLength(7);
  expect((await statuses(shop)).charges).toHaveLength(7);
  await shop.drop();
});

test("carts of three lines in every order of SKUs go through at once without a deadlock", async () => {
  const shop = await openShop([1_000, 1_000, 1_000]);
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  const rounds = 20;
  const carts = await Promise.all(
    Array.from({ length: rounds }, () => orders).flatMap(all =>
      all.map(order =>
        fillCart(
          shop,
          order.map(variant => [variant, 1] as const),
        ),
      ),
    ),
  );
  const before = deadlockRetries.count;
  const answers = await Promise.all(
    carts.map((cart, i) => buy(shop, cart.id, { token: i % 4 ? "ok" : "decline" })),
  );
  expect(deadlockRetries.count - before).toBe(0);
  const placed = answers.filter(one => one.status === 201).length;
  expect(placed).toBe((rounds * orders.length * 3) / 4);
  for (const variant of [0, 1, 2]) {
    expect(await levelOf(shop, variant)).toEqual({ onHand: 1_000, reserved: placed });
  }
  await shop.drop();
});

test("a group of checkouts in one statement gets an answer each, in the order they came", async () => {
  const shop = await openShop([3, 5]);
  const { begin } = await import("./store.ts");
  const wanted = [
    [[0, 2]],
    [
      [0, 2],
      [1, 1],
    ],
    [[1, 5]],
    [[0, 1]],
  ] as const;
  const carts = await Promise.all(wanted.map(lines => fillCart(shop, lines)));
  const requests = carts.map((cart, i) => ({
    storeId: shop.store.id,
    key: `k${i}`,
    fingerprint: "f",
    cartId: cart.id,
    orderId: `ord_${i}`,
    reservationId: `res_${i}`,
    intentId: `pay_${i}`,
    provider: "test",
    traceparent: "",
    leaseMs: 10_000,
    holdMs: 60_000,
    changed: [],
  }));
  const twice = { ...requests[0]!, orderId: "ord_twice" };
  const begun = await begin(shop.sql, [...requests, twice]);
  expect(begun.map(one => one.outcome)).toEqual(["started", "answered", "started", "started", "in_progress"]);
  expect(await levelOf(shop, 0)).toEqual({ onHand: 3, reserved: 3 });
  expect(await levelOf(shop, 1)).toEqual({ onHand: 5, reserved: 5 });
  await shop.drop();
});
