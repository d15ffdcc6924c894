/** What an allocator does with a batch, and with one that it may have served before. */
import { expect, test } from "bun:test";
import { silentLog } from "../../../platform/log.ts";
import { addLine } from "../../carts/index.ts";
import { fillCart, jobs, levelOf, statuses } from "../shop.fixture.ts";
import { allocate, lookUp, messagesFor, redelivered, shop, statusOf, useStage } from "./flash.fixture.ts";
import { flashOrderId, newNonce, type Queued } from "./model.ts";

useStage();

test("who was refused for want of stock has an order that says so for good; the cart is free", async () => {
  const carts = [await fillCart(shop, [[0, 7]]), await fillCart(shop, [[0, 2]])];
  const messages = messagesFor(carts.map(cart => cart.id));
  await allocate({ session: shop.sql, log: silentLog, holdMs: 60_000 }, 0, messages);
  const id = flashOrderId(JSON.parse(messages[1]!.data), { lane: 0, seq: 2 });
  // As a day later, when stored answers are forgotten.
  await shop.sql`DELETE FROM checkout.attempt WHERE status = 'done'`;
  expect(await lookUp(id)).toMatchObject({
    id,
    status: "refused",
    paymentStatus: "voided",
    lines: [{ variantId: shop.variants[0], quantity: 2 }],
    refusal: { code: "out_of_stock", lines: [{ variantId: shop.variants[0], requested: 2, available: 0 }] },
  });
  expect(await statuses(shop)).toMatchObject({
    orders: ["pending", "refused"],
    carts: ["checking_out", "open"],
  });
});

test("a batch mixes those who fit and those who do not as one after the other would", async () => {
  const wanted = [3, 5, 2, 3, 1, 1];
  const carts = await Promise.all(
    wanted.map(quantity =>
      fillCart(shop, [
        [0, quantity],
        [1, quantity],
      ]),
    ),
  );
  const messages = messagesFor(carts.map(cart => cart.id));
  await allocate({ session: shop.sql, log: silentLog, holdMs: 60_000 }, 0, messages);
  const states = await Promise.all(
    messages.map((one, i) => statusOf(flashOrderId(JSON.parse(one.data), { lane: 0, seq: i + 1 }))),
  );
  // Of seven: 3, not 5, 2, not 3, 1, 1.
  expect(states).toEqual(["pending", "refused", "pending", "refused", "pending", "pending"]);
  expect([await levelOf(shop), await levelOf(shop, 1)]).toEqual([
    { onHand: 7, reserved: 7 },
    { onHand: 50, reserved: 7 },
  ]);
});

test("a cart that has changed since it queued is served as it is now, at the price that was shown", async () => {
  const cart = await fillCart(shop, [[0, 1]]);
  const [one] = messagesFor([cart.id]);
  const queued = {
    ...JSON.parse(one!.data),
    cart: { version: cart.version, lines: `${shop.variants[0]}:1` },
  };
  await addLine(shop.sql, shop.store.id, cart.id, { variantId: shop.variants[1]!, quantity: 2 });
  const other = await fillCart(shop, [[0, 1]]);
  await shop.sql`UPDATE carts.cart SET shown_total_minor = 1 WHERE id = ${other.id}`;
  const [two] = messagesFor([other.id]);
  const messages = [
    { ...one!, data: JSON.stringify(queued) },
    { ...two!, seq: 2 },
  ];
  const deps = { session: shop.sql, log: silentLog, holdMs: 60_000 };
  await allocate(deps, 0, messages);
  const ids = messages.map(({ data, seq }) => flashOrderId(JSON.parse(data), { lane: 0, seq }));
  expect(await lookUp(ids[0]!)).toMatchObject({
    status: "pending",
    totalMinor: 5_000,
    lines: [{}, { quantity: 2 }],
  });
  expect(await lookUp(ids[1]!)).toMatchObject({
    status: "refused",
    refusal: { code: "price_changed", totalMinor: 1_000 },
  });
  // Its cart is right again before the batch comes once more: what was told stays true.
  await shop.sql`UPDATE carts.cart SET shown_total_minor = 1000 WHERE id = ${other.id}`;
  await allocate(deps, 0, redelivered(messages));
  expect(await statusOf(ids[1]!)).toBe("refused");
  expect(await levelOf(shop)).toEqual({ onHand: 7, reserved: 1 });
});

test("a batch that is repeated after its commit changes nothing, and nobody is served twice", async () => {
  const carts = await Promise.all(Array.from({ length: 12 }, () => fillCart(shop, [[0, 1]])));
  const messages = messagesFor(carts.map(cart => cart.id));
  const deps = { session: shop.sql, log: silentLog, holdMs: 60_000 };
  await allocate(deps, 0, messages);
  const before = [await statuses(shop), await jobs(shop), await levelOf(shop)];
  // Redelivered whole, in part, and side by side with what is new; also when nobody knows that it is a repetition.
  await allocate(deps, 0, redelivered(messages));
  await allocate(deps, 0, messages);
  await Promise.all([
    allocate(deps, 0, redelivered(messages.slice(3))),
    allocate(deps, 0, messages.slice(0, 8)),
  ]);
  expect([await statuses(shop), await jobs(shop), await levelOf(shop)]).toEqual(before);
  expect(before[2]).toEqual({ onHand: 7, reserved: 7 });
  const [row] = await shop.sql`SELECT count(*) AS outcomes FROM checkout.flash_outcome`;
  expect(row!.outcomes).toBe(0);
});

test("a cart queued twice becomes one order, and the second is told", async () => {
  const cart = await fillCart(shop, [[0, 1]]);
  const [one] = messagesFor([cart.id]);
  const other = JSON.parse(one!.data) as Queued;
  const rival = {
    seq: 2,
    again: false,
    data: JSON.stringify({ ...other, key: "another", nonce: newNonce() }),
  };
  await allocate({ session: shop.sql, log: silentLog, holdMs: 60_000 }, 0, [one!, rival]);
  const id = flashOrderId(JSON.parse(rival.data), { lane: 0, seq: 2 });
  expect(await lookUp(id)).toMatchObject({ status: "refused", refusal: { code: "cart_busy" } });
  expect((await statuses(shop)).orders).toEqual(["pending"]);
});

test("a message whose key had made an order before leads to that order", async () => {
  const cart = await fillCart(shop, [[0, 1]]);
  const [one] = messagesFor([cart.id]);
  const late = {
    seq: 9,
    again: false,
    data: JSON.stringify({ ...JSON.parse(one!.data), nonce: newNonce() }),
  };
  const deps = { session: shop.sql, log: silentLog, holdMs: 60_000 };
  await allocate(deps, 0, [one!]);
  await allocate(deps, 0, [late]);
  const first = flashOrderId(JSON.parse(one!.data), { lane: 0, seq: 1 });
  const again = flashOrderId(JSON.parse(late.data), { lane: 0, seq: 9 });
  expect(await lookUp(again)).toMatchObject({ id: first, status: "pending" });
});
