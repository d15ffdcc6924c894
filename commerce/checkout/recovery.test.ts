import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { releaseLapsed, sweepReservations } from "../inventory/index.ts";
import { recoverCheckouts, type Step } from "./index.ts";
import {
  buy,
  codeOf,
  expireLeases,
  expireReservations,
  fillCart,
  jobs,
  levelOf,
  openShop,
  type Shop,
  statuses,
} from "./shop.fixture.ts";

let shop: Shop;
beforeEach(async () => {
  shop = await openShop([10]);
});
afterEach(() => shop.drop());

/** Dies at a step, as a process killed there would: nothing after it runs. */
const dieAt = (step: Step) => ({
  between: (at: Step) => {
    if (at === step) throw new Error(`killed at ${step}`);
  },
});

async function buyAndDie(step: Step, token = "ok") {
  const cart = await fillCart(shop, [[0, 2]]);
  await expect(buy(shop, cart.id, { key: "k", token, deps: dieAt(step) })).rejects.toThrow(
    `killed at ${step}`,
  );
  return { cart, retry: () => buy(shop, cart.id, { key: "k", token }) };
}

const nothingHappened = {
  orders: ["refused"],
  reservations: ["released"],
  attempts: [],
  carts: ["open"],
};
const placed = {
  orders: ["placed"],
  reservations: ["held"],
  intents: ["authorised"],
  charges: ["authorised"],
  attempts: ["done"],
  carts: ["completed"],
};

describe("a process that dies", () => {
  test("after T1: until the lease is over the retry waits; then it pays under the same intent", async () => {
    const { retry } = await buyAndDie("begun");
    expect(await codeOf(retry())).toBe("in_progress");
    await expireLeases(shop);
    expect(await retry()).toMatchObject({ status: 201, replayed: false });
    expect(await statuses(shop)).toMatchObject(placed);
    expect(await levelOf(shop)).toEqual({ onHand: 10, reserved: 2 });
  });

  test("after T1 and is not retried: the sweep undoes all, and the provider takes no late authorisation", async () => {
    const { retry } = await buyAndDie("begun");
    expect(await recoverCheckouts(shop.deps)).toEqual({ settled: 0, abandoned: 0, voided: 0 });
    await expireLeases(shop);
    expect(await recoverCheckouts(shop.deps)).toMatchObject({ abandoned: 1 });
    expect(await statuses(shop)).toEqual({ ...nothingHappened, intents: ["voided"], charges: ["voided"] });
    expect(await levelOf(shop)).toEqual({ onHand: 10, reserved: 0 });
    expect(await retry()).toMatchObject({ status: 201 });
  });

  for (const [how, resolve] of [
    ["the retry", async (retry: () => Promise<unknown>) => retry()],
    ["the sweep", async () => recoverCheckouts(shop.deps)],
  ] as const) {
    test(`after the payment: ${how} learns of it and places the order, charging nothing again`, async () => {
      const { retry } = await buyAndDie("authorised");
      await expireLeases(shop);
      await resolve(retry);
      expect(await statuses(shop)).toMatchObject(placed);
      expect(await retry()).toMatchObject({ status: 201 });
      expect((await jobs(shop)).filter(kind => kind === "email.send")).toHaveLength(1);
    });

    test(`after a declined payment: ${how} gives stock and cart back`, async () => {
      const { retry } = await buyAndDie("authorised", "decline");
      await expireLeases(shop);
      await resolve(retry);
      expect(await statuses(shop)).toMatchObject({
        orders: ["refused"],
        reservations: ["released"],
        carts: ["open"],
      });
      expect(await retry()).toMatchObject({ status: 402 });
      expect(await levelOf(shop)).toEqual({ onHand: 10, reserved: 0 });
    });
  }

  test("after T2: the retry gets the stored answer", async () => {
    const { retry } = await buyAndDie("settled");
    expect(await retry()).toMatchObject({ status: 201, replayed: true });
    expect(await statuses(shop)).toMatchObject(placed);
  });

  test("between undoing and voiding: the sweep keeps the promise to void", async () => {
    const cart = await fillCart(shop, [[0, 2]]);
    const between = async (step: Step) => {
      if (step === "authorised") await expireReservations(shop);
      if (step === "abandoned") throw new Error("killed");
    };
    await expect(buy(shop, cart.id, { deps: { between } })).rejects.toThrow("killed");
    expect(await statuses(shop)).toEqual({
      ...nothingHappened,
      intents: ["voiding"],
      charges: ["authorised"],
    });
    expect(await recoverCheckouts(shop.deps, { voidAfterMs: 0 })).toMatchObject({ voided: 1 });
    expect(await statuses(shop)).toMatchObject({ intents: ["voided"], charges: ["voided"] });
  });

  test("between finding the stock lapsed and undoing: the sweep undoes and voids", async () => {
    const cart = await fillCart(shop, [[0, 2]]);
    const between = async (step: Step) => {
      if (step === "authorised") await expireReservations(shop);
      if (step === "lapsed") throw new Error("killed");
    };
    await expect(buy(shop, cart.id, { deps: { between } })).rejects.toThrow("killed");
    await expireLeases(shop);
    expect(await recoverCheckouts(shop.deps)).toMatchObject({ abandoned: 1 });
    expect(await statuses(shop)).toEqual({ ...nothingHappened, intents: ["voided"], charges: ["voided"] });
  });
});

describe("a payment", () => {
  test("whose answer is lost is a 504; the retry learns that it was authorised", async () => {
    const cart = await fillCart(shop, [[0, 2]]);
    expect(await codeOf(buy(shop, cart.id, { key: "k", token: "timeout" }))).toBe("payment_unanswered");
    expect(await codeOf(buy(shop, cart.id, { key: "k", token: "timeout" }))).toBe("in_progress");
    await expireLeases(shop);
    expect(await buy(shop, cart.id, { key: "k", token: "timeout" })).toMatchObject({ status: 201 });
    expect(await statuses(shop)).toMatchObject(placed);
  });

  test("that outlasts the expiry of its stock is voided, and nobody's stock is touched", async () => {
    const cart = await fillCart(shop, [[0, 10]]);
    const between = async (step: Step) => {
      if (step !== "authorised") return;
      await expireReservations(shop);
      await sweepReservations(shop.deps);
      const [row] = await shop.sql`SELECT id FROM inventory.reservation`;
      expect(await releaseLapsed(shop.sql, { storeId: shop.store.id }, row!.id)).toBe("released");
      // Somebody else takes the last units meanwhile.
      const other = await fillCart(shop, [[0, 10]]);
      expect(await buy(shop, other.id)).toMatchObject({ status: 201 });
    };
    expect(await codeOf(buy(shop, cart.id, { deps: { between } }))).toBe("checkout_lapsed");
    expect(await levelOf(shop)).toEqual({ onHand: 10, reserved: 10 });
    expect(await statuses(shop)).toMatchObject({
      orders: ["placed", "refused"],
      charges: ["authorised", "voided"],
      intents: ["authorised", "voided"],
    });
  });

  test("that is authorised while the sweep abandons its checkout is voided, never placed", async () => {
    const cart = await fillCart(shop, [[0, 1]]);
    const between = async (step: Step) => {
      if (step !== "begun") return;
      await expireLeases(shop);
      await recoverCheckouts(shop.deps);
    };
    expect(await codeOf(buy(shop, cart.id, { deps: { between } }))).toBe("checkout_lapsed");
    expect(await statuses(shop)).toEqual({ ...nothingHappened, intents: ["voided"], charges: ["voided"] });
  });

  test("found by the buyer's retry and the sweep at the same time is placed once", async () => {
    const { retry } = await buyAndDie("authorised");
    await expireLeases(shop);
    await Promise.allSettled([retry(), recoverCheckouts(shop.deps), recoverCheckouts(shop.deps), retry()]);
    expect(await statuses(shop)).toMatchObject(placed);
    expect((await jobs(shop)).filter(kind => kind === "stock.commit")).toHaveLength(1);
  });
});

test("answers are forgotten after 24 hours, not before", async () => {
  const cart = await fillCart(shop, [[0, 1]]);
  await buy(shop, cart.id, { key: "k" });
  await recoverCheckouts(shop.deps);
  expect(await buy(shop, cart.id, { key: "k" })).toMatchObject({ replayed: true });
  await shop.sql`UPDATE checkout.attempt SET finished_at = now() - interval '25 hours'`;
  await recoverCheckouts(shop.deps);
  expect(await codeOf(buy(shop, cart.id, { key: "k" }))).toBe("cart_completed");
});
