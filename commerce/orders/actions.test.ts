/** Cancel, refund, fulfil: money and stock once each, whoever asks, whatever dies. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { recoverCheckouts } from "../checkout/index.ts";
import { buy, codeOf, fillCart, jobs, levelOf, openShop, type Shop } from "../checkout/shop.fixture.ts";
import { commitReservation } from "../inventory/index.ts";
import { type PaymentProvider, PaymentUnanswered } from "../payments/index.ts";
import {
  type ActionDeps,
  type ActionStep,
  cancelOrder,
  factsOf,
  fulfilOrder,
  getOrder,
  type Order,
  recoverActions,
  refundOrder,
  timelineOf,
} from "./index.ts";

let shop: Shop;
beforeEach(async () => {
  shop = await openShop([10, 10]);
});
afterEach(() => shop.drop());

const author = () => ({ storeId: shop.store.id, actor: "key_test" });

async function place(wanted: readonly (readonly [number, number])[] = [[0, 3]]): Promise<Order> {
  const answer = await buy(shop, (await fillCart(shop, wanted)).id);
  if (answer.status !== 201) throw new Error("not placed");
  return answer.order;
}

async function commit(order: Order): Promise<string> {
  const { reservationId } = (await factsOf(shop.sql, shop.store.id, order.id))!;
  return commitReservation(shop.sql, author(), reservationId);
}

type More = { key?: string; deps?: Partial<ActionDeps> };
const asked = ({ id }: Order, { key }: More) => ({ author: author(), orderId: id, key: key ?? null });
const deps = (more: More): ActionDeps => {
  const { sql, log, providers } = shop.deps;
  return { sql, log, providers, ...more.deps };
};
const cancel = (order: Order, more: More = {}) => cancelOrder(deps(more), asked(order, more), {});
const refund = (order: Order, input: Parameters<typeof refundOrder>[2] = {}, more: More = {}) =>
  refundOrder(deps(more), asked(order, more), input);
const fulfil = (order: Order, input: Parameters<typeof fulfilOrder>[2] = {}, more: More = {}) =>
  fulfilOrder(deps(more), asked(order, more), input);
const read = async ({ id }: Order) => (await getOrder(shop.sql, shop.store.id, id))!;

/** What the provider's books say: the state of the charge, and what was refunded. */
async function books({ id }: Order): Promise<[string, number]> {
  const [row] = await shop.sql`
    SELECT c.status, (SELECT coalesce(sum(r.amount_minor), 0)::bigint FROM payments.test_refund r
                      WHERE r.intent_id = c.intent_id AND r.status = 'refunded') AS refunded
    FROM payments.test_charge c JOIN orders.order o ON o.intent_id = c.intent_id WHERE o.id = ${id}`;
  return [row!.status, row!.refunded];
}

const dieAt = (step: ActionStep): More["deps"] => ({
  between: at => {
    if (at === step) throw new Error(`killed at ${step}`);
  },
});

describe("a cancelled order", () => {
  for (const committed of [false, true]) {
    test(`gives stock and money back, ${committed ? "after" : "before"} its stock was committed`, async () => {
      const order = await place();
      if (committed) await commit(order);
      const { order: cancelled, status } = await cancel(order);
      expect(status).toBe("done");
      expect(cancelled).toMatchObject({ status: "cancelled", paymentStatus: "voided", refundedMinor: 0 });
      expect(await levelOf(shop)).toEqual({ onHand: 10, reserved: 0 });
      expect(await commit(order)).toBe("settled");
      expect(await levelOf(shop)).toEqual({ onHand: 10, reserved: 0 });
      expect(await books(order)).toEqual(["voided", 0]);
      expect(await codeOf(cancel(order))).toBe("order_state");
      expect(await codeOf(fulfil(order))).toBe("order_state");
      expect(await codeOf(refund(order))).toBe("order_state");
    });
  }

  test("is cancelled once, however many ask, and one who repeats the key gets the same", async () => {
    const order = await place();
    const all = await Promise.allSettled([
      ...Array.from({ length: 4 }, () => cancel(order)),
      ...Array.from({ length: 4 }, () => cancel(order, { key: "k" })),
    ]);
    const done = all.filter(one => one.status === "fulfilled");
    expect([1, 4]).toContain(done.length);
    expect(await levelOf(shop)).toEqual({ onHand: 10, reserved: 0 });
    const mails = await shop.sql`SELECT 1 FROM bus.outbox WHERE payload ->> 'template' = 'order_cancelled'`;
    expect(mails).toHaveLength(1);
  });

  test("or fulfilled, never both", async () => {
    for (let i = 0; i < 5; i++) {
      const order = await place([[0, 1]]);
      const before = await levelOf(shop);
      const [cancelled, sent] = await Promise.allSettled([cancel(order), fulfil(order)]);
      expect([cancelled.status, sent.status].toSorted()).toEqual(["fulfilled", "rejected"]);
      const wasSent = sent.status === "fulfilled";
      expect(await books(order)).toEqual([wasSent ? "captured" : "voided", 0]);
      const { status } = await read(order);
      expect(status).toBe(wasSent ? "completed" : "cancelled");
      expect((await levelOf(shop)).onHand - (await levelOf(shop)).reserved).toBe(
        before.onHand - before.reserved + (wasSent ? 0 : 1),
      );
    }
  });

  test("that was paid and partly refunded gives back the rest only, and units that came back do not come twice", async () => {
    const order = await place([
      [0, 3],
      [1, 2],
    ]);
    await commit(order);
    const [first, second] = shop.variants;
    await refund(order, { lines: [{ variantId: first!, quantity: 1, restock: true }] });
    await refund(order, { lines: [{ variantId: second!, quantity: 1, restock: false }] });
    expect(await levelOf(shop, 0)).toEqual({ onHand: 8, reserved: 0 });
    const { order: cancelled } = await cancel(order);
    expect(cancelled).toMatchObject({ paymentStatus: "refunded", refundedMinor: 7_000 });
    expect(await books(order)).toEqual(["captured", 7_000]);
    expect(await levelOf(shop, 0)).toEqual({ onHand: 10, reserved: 0 });
    // One was refunded and did not come back.
    expect(await levelOf(shop, 1)).toEqual({ onHand: 9, reserved: 0 });
  });
});

describe("a refund", () => {
  test("by line has the shares that make the whole, to the unit", async () => {
    const order = await place();
    await shop.sql`
      UPDATE orders.order SET subtotal_minor = 1000, tax_minor = 190, shipping_minor = 500, total_minor = 1690`;
    await shop.sql`UPDATE orders.line SET unit_minor = 333, total_minor = 999, tax_minor = 190`;
    await shop.sql`UPDATE orders.order SET subtotal_minor = 999, total_minor = 1689`;
    await shop.sql`UPDATE payments.intent SET amount_minor = 1689`;
    await shop.sql`UPDATE payments.test_charge SET amount_minor = 1689`;
    const one = { lines: [{ variantId: shop.variants[0]!, quantity: 1 }] };
    const amounts: number[] = [];
    for (let i = 0; i < 3; i++) amounts.push((await refund(order, one)).order.refunds.at(-1)!.amountMinor);
    expect(amounts).toEqual([333 + 63, 333 + 63, 333 + 64]);
    expect(await codeOf(refund(order, one))).toBe("lines_exceed_order");
    const { order: all } = await refund(order, { shipping: true });
    expect(all).toMatchObject({ refundedMinor: 1_689, paymentStatus: "refunded", status: "placed" });
    expect(all.refunds.map(({ status }) => status)).toEqual(["done", "done", "done", "done"]);
    expect(await codeOf(refund(order))).toBe("order_state");
    expect(await codeOf(fulfil(order))).toBe("order_state");
    expect(await books(order)).toEqual(["captured", 1_689]);
  });

  test("is never more than is left, also of many at the same moment", async () => {
    const order = await place();
    const all = await Promise.allSettled(
      Array.from({ length: 5 }, () => refund(order, { amountMinor: 1_000 })),
    );
    expect(all.filter(one => one.status === "fulfilled")).toHaveLength(3);
    expect(await books(order)).toEqual(["captured", 3_000]);
    expect(await read(order)).toMatchObject({ refundedMinor: 3_000, paymentStatus: "refunded" });
  });

  test("of the whole twice at once is done once, and its stock comes back once", async () => {
    const order = await place();
    const all = await Promise.allSettled([
      refund(order, { restock: true }),
      refund(order, { restock: true }),
      commit(order),
      refund(order, { restock: true }),
    ]);
    expect(all.filter(one => one.status === "fulfilled")).toHaveLength(2);
    await commit(order);
    expect(await levelOf(shop)).toEqual({ onHand: 10, reserved: 0 });
    expect(await books(order)).toEqual(["captured", 3_000]);
  });

  test("under one key is one refund; the key is refused for another", async () => {
    const order = await place();
    const same = await Promise.all(
      Array.from({ length: 4 }, () => refund(order, { amountMinor: 500 }, { key: "r1" })),
    );
    expect(new Set(same.map(one => one.id)).size).toBe(1);
    expect(await codeOf(refund(order, { amountMinor: 501 }, { key: "r1" }))).toBe("idempotency_key_reused");
    const other = await place();
    expect(await codeOf(refund(other, { amountMinor: 500 }, { key: "r1" }))).toBe("idempotency_key_reused");
    expect(await books(order)).toEqual(["captured", 500]);
  });

  test("that the provider refuses is taken back", async () => {
    const order = await place();
    const refusing: PaymentProvider = { ...shop.deps.providers.test!, refund: async () => "refused" };
    const failed = await refund(order, {}, { deps: { providers: { test: refusing } } });
    expect(failed).toMatchObject({ status: "failed", error: "the payment provider refused the refund" });
    expect(failed.order).toMatchObject({ refundedMinor: 0, paymentStatus: "captured" });
    expect((await refund(order)).order).toMatchObject({ refundedMinor: 3_000, paymentStatus: "refunded" });
  });

  test("of an authorisation that no longer stands fails, and the order says that nothing was paid", async () => {
    const order = await place();
    await shop.sql`UPDATE payments.test_charge SET status = 'voided'`;
    const failed = await refund(order);
    expect(failed).toMatchObject({ status: "failed", error: "the payment could not be captured" });
    expect(failed.order).toMatchObject({ refundedMinor: 0, paymentStatus: "voided" });
    expect((await cancel(order)).order).toMatchObject({ status: "cancelled", paymentStatus: "voided" });
  });
});

describe("a fulfilment", () => {
  test("captures with the first, counts units, and completes the order with the last", async () => {
    const order = await place([
      [0, 3],
      [1, 1],
    ]);
    const [first] = shop.variants;
    const { order: partly } = await fulfil(order, {
      lines: [{ variantId: first!, quantity: 2 }],
      carrier: "Post",
      trackingNumber: "T1",
    });
    expect(partly).toMatchObject({
      status: "placed",
      paymentStatus: "captured",
      fulfilmentStatus: "partial",
      fulfilments: [{ status: "done", carrier: "Post", trackingNumber: "T1", lines: [{ quantity: 2 }] }],
    });
    expect(await codeOf(fulfil(order, { lines: [{ variantId: first!, quantity: 2 }] }))).toBe(
      "lines_exceed_order",
    );
    expect(await codeOf(cancel(order))).toBe("order_state");
    const { order: whole } = await fulfil(order);
    expect(whole).toMatchObject({ status: "completed", fulfilmentStatus: "fulfilled" });
    expect(await codeOf(fulfil(order))).toBe("order_state");
    expect(await books(order)).toEqual(["captured", 0]);
    const { items } = await timelineOf(shop.sql, shop.store.id, whole, { limit: 50 });
    expect(items.map(item => item.type)).toEqual([
      "order.created",
      "order.placed",
      "payment.captured",
      "fulfilment.done",
      "fulfilment.done",
    ]);
  });

  test("sends no unit twice, however many ask", async () => {
    const order = await place();
    const one = { lines: [{ variantId: shop.variants[0]!, quantity: 1 }] };
    const all = await Promise.allSettled(Array.from({ length: 6 }, () => fulfil(order, one)));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    expect(await read(order)).toMatchObject({ status: "completed", lines: [{ fulfilledQuantity: 3 }] });
  });

  test("of what is left after a refund completes the order", async () => {
    const order = await place();
    const line = (quantity: number) => ({ lines: [{ variantId: shop.variants[0]!, quantity }] });
    await fulfil(order, line(1));
    await refund(order, line(1));
    expect(await codeOf(fulfil(order, line(2)))).toBe("lines_exceed_order");
    expect((await refund(order, line(1))).order).toMatchObject({
      status: "completed",
      fulfilmentStatus: "fulfilled",
      paymentStatus: "partially_refunded",
    });
  });
});

describe("a process that dies", () => {
  const late = () => recoverActions(deps({}), { afterMs: 0 });

  for (const step of ["begun", "captured", "refunded"] as const) {
    test(`in a refund, ${step}: the sweep brings it to its end, once`, async () => {
      const order = await place();
      await expect(refund(order, { restock: true }, { deps: dieAt(step)!, key: "k" })).rejects.toThrow(
        "killed",
      );
      expect(await codeOf(cancel(order))).toBe("in_progress");
      await Promise.all([late(), late(), refund(order, { restock: true }, { key: "k" })]);
      expect(await read(order)).toMatchObject({ refundedMinor: 3_000, paymentStatus: "refunded" });
      expect(await books(order)).toEqual(["captured", 3_000]);
      await commit(order);
      expect(await levelOf(shop)).toEqual({ onHand: 10, reserved: 0 });
      const mails = await shop.sql`SELECT 1 FROM bus.outbox WHERE payload ->> 'template' = 'order_refunded'`;
      expect(mails).toHaveLength(1);
    });
  }

  for (const step of ["begun", "captured"] as const) {
    test(`in a fulfilment, ${step}: the sweep brings it to its end, once`, async () => {
      const order = await place();
      await expect(fulfil(order, {}, { deps: dieAt(step)! })).rejects.toThrow("killed");
      await Promise.all([late(), late()]);
      expect(await read(order)).toMatchObject({ status: "completed", paymentStatus: "captured" });
      expect((await jobs(shop)).filter(kind => kind === "email.send")).toHaveLength(2);
    });
  }

  test("in a cancel before the void: the recovery of checkouts voids", async () => {
    const order = await place();
    await expect(cancel(order, { deps: dieAt("begun")! })).rejects.toThrow("killed");
    expect(await books(order)).toEqual(["authorised", 0]);
    await recoverCheckouts(shop.deps, { voidAfterMs: 0 });
    expect(await books(order)).toEqual(["voided", 0]);
  });
});

test("a provider that does not answer leaves the action requested; it is done later, once", async () => {
  const order = await place();
  const real = shop.deps.providers.test!;
  const silent: PaymentProvider = {
    ...real,
    async capture(intent) {
      await real.capture(intent);
      throw new PaymentUnanswered("test");
    },
  };
  const pending = await fulfil(order, {}, { deps: { providers: { test: silent } } });
  expect(pending).toMatchObject({ status: "requested", order: { fulfilmentStatus: "unfulfilled" } });
  expect(await codeOf(cancel(order))).toBe("in_progress");
  await recoverActions(deps({}), { afterMs: 0 });
  expect(await read(order)).toMatchObject({ status: "completed", paymentStatus: "captured" });
});

test("orders of other stores do not exist", async () => {
  const order = await place();
  const author = { storeId: "store_other", actor: "key_other" };
  for (const act of [cancelOrder, refundOrder, fulfilOrder]) {
    expect(await codeOf(act(deps({}), { author, orderId: order.id, key: null }, {}))).toBe("not_found");
  }
});

test("no state changes but along the tables", async () => {
  const order = await place();
  for (const change of ["status = 'pending'", "payment_status = 'refunded'", "fulfilment_status = 'bogus'"]) {
    await expect(
      shop.sql.unsafe(`UPDATE orders.order SET ${change} WHERE id = '${order.id}'`),
    ).rejects.toThrow();
  }
});
