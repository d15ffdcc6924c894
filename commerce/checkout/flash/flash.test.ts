/** Flash mode from the door to the payment. */
import { expect, test } from "bun:test";
import { until } from "../../../platform/testing/index.ts";
import { fillCart, levelOf, statuses } from "../shop.fixture.ts";
import {
  accepted,
  allocators,
  door,
  hot,
  lookUp,
  payAll,
  requestFor,
  shop,
  statusOf,
  useStage,
} from "./flash.fixture.ts";
import { type Accepted, setFlash } from "./index.ts";
import { flashOrderId, newNonce, placeOf } from "./model.ts";

useStage();

test("an id tells its place, sorts by its time and is no other id", () => {
  const queued = { atMs: Date.now(), nonce: newNonce() };
  const id = flashOrderId(queued, { lane: 5, seq: 123_456_789 });
  expect(placeOf(id)).toEqual({ lane: 5, seq: 123_456_789 });
  const later = flashOrderId({ ...queued, atMs: queued.atMs + 1 }, { lane: 0, seq: 1 });
  expect(later > id).toBe(true);
  for (const other of ["", "ord_1", id.slice(1), `${id}0`, id.replace(/.$/, "!").replace("_", "-")]) {
    expect(placeOf(other)).toBeNull();
  }
});

test("a queued checkout is pending with a place, then has its stock, then is paid and placed", async () => {
  await hot();
  const at = door();
  const carts = await Promise.all([fillCart(shop, [[0, 1]]), fillCart(shop, [[0, 2]])]);
  const first = await accepted(at.accept(requestFor(carts[0]!.id)));
  const second = await accepted(at.accept(requestFor(carts[1]!.id)));
  expect([first.queue.position, second.queue.position]).toEqual([1, 2]);
  expect(await lookUp(second.id)).toMatchObject({ id: second.id, status: "pending", queue: { position: 2 } });
  expect(await statuses(shop)).toMatchObject({ orders: [], attempts: [] });

  allocators();
  await until(async () => (await statuses(shop)).orders!.length === 2, { what: "two orders" });
  expect(await lookUp(first.id)).toMatchObject({ id: first.id, status: "pending", paymentStatus: "pending" });
  expect(await levelOf(shop)).toEqual({ onHand: 7, reserved: 3 });

  await payAll();
  expect(await lookUp(first.id)).toMatchObject({ status: "placed", paymentStatus: "authorised" });
  expect(await statuses(shop)).toMatchObject({
    orders: ["placed", "placed"],
    charges: ["authorised", "authorised"],
    carts: ["completed", "completed"],
  });
  const committed = await shop.sql`
    SELECT jsonb_array_elements_text(payload -> 'orderIds') AS id FROM bus.outbox WHERE kind = 'stock.commit'`;
  expect(committed.map(row => row.id).toSorted()).toEqual([first.id, second.id].toSorted());
  const [row] = await shop.sql`SELECT count(*) AS left FROM checkout.attempt WHERE pay_with IS NOT NULL`;
  expect(row!.left).toBe(0);
});

test("only what is switched on queues", async () => {
  const cold = await fillCart(shop, [[1, 1]]);
  const warm = await fillCart(shop, [[0, 1]]);
  expect(await door().accept(requestFor(warm.id))).toHaveProperty("direct");
  await hot();
  expect(await door().accept(requestFor(cold.id))).toHaveProperty("direct");
  await accepted(door().accept(requestFor(warm.id)));
  await setFlash(shop.sql, { storeId: shop.store.id, on: true, author: "test" });
  await accepted(door().accept(requestFor(cold.id)));
});

test("100 buyers and 7 units: the first seven of the stream get them, the others are told", async () => {
  await hot();
  const at = door();
  const carts = await Promise.all(Array.from({ length: 100 }, () => fillCart(shop, [[0, 1]])));
  const all: Accepted[] = [];
  for (const cart of carts) all.push(await accepted(at.accept(requestFor(cart.id))));
  allocators();
  await until(async () => (await statusOf(all.at(-1)!.id)) === "refused", { what: "the last is served" });
  const served = await Promise.all(all.map(one => lookUp(one.id)));
  expect(served.map(one => one!.status)).toEqual([...Array(7).fill("pending"), ...Array(93).fill("refused")]);
  expect(served[50]).toMatchObject({
    refusal: { code: "out_of_stock", lines: [{ variantId: shop.variants[0], requested: 1, available: 0 }] },
  });
  expect(await levelOf(shop)).toEqual({ onHand: 7, reserved: 7 });
});

test("the same key gets the same id, before and after it was served; another request under it is refused", async () => {
  await hot();
  const at = door();
  const cart = await fillCart(shop, [[0, 1]]);
  const first = await accepted(at.accept(requestFor(cart.id, "k")));
  expect((await accepted(door().accept(requestFor(cart.id, "k")))).id).toBe(first.id);
  expect(await at.accept(requestFor(cart.id, "k", "decline")).catch(e => e.code)).toBe(
    "idempotency_key_reused",
  );
  allocators();
  await until(async () => (await statuses(shop)).orders!.length === 1, { what: "the order" });
  await payAll();
  expect((await accepted(at.accept(requestFor(cart.id, "k")))).id).toBe(first.id);
  expect(await at.accept(requestFor(cart.id, "k", "decline")).catch(e => e.code)).toBe(
    "idempotency_key_reused",
  );
});

test("a decline gives the stock back, and the order says so", async () => {
  await hot();
  const cart = await fillCart(shop, [[0, 3]]);
  const queued = await accepted(door().accept(requestFor(cart.id, "k", "decline")));
  allocators();
  await until(async () => (await statuses(shop)).orders!.length === 1, { what: "the order" });
  await payAll();
  expect(await lookUp(queued.id)).toMatchObject({ status: "refused", paymentStatus: "declined" });
  expect(await levelOf(shop)).toEqual({ onHand: 7, reserved: 0 });
});
