/** Flash mode: first come, first served, each once, whatever dies in between. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { type Bus, LANES, type LaneMessage, openBus, publishToLane } from "../../../bus/index.ts";
import { silentLog } from "../../../platform/log.ts";
import { freshNats, until } from "../../../platform/testing/index.ts";
import { newTraceparent } from "../../../platform/trace.ts";
import { openGroups } from "../groups.ts";
import { type CheckoutRequest, fingerprintOf } from "../model.ts";
import { fillCart, jobs, levelOf, openShop, type Shop, statuses } from "../shop.fixture.ts";
import {
  type Accepted,
  openDoor,
  openQueue,
  openSwitches,
  payAllocated,
  prepareBatch,
  queuedOrder,
  setFlash,
  startAllocators,
} from "./index.ts";
import { flashOrderId, laneOf, newNonce, placeOf, type Queued } from "./model.ts";

let shop: Shop;
let nats: Awaited<ReturnType<typeof freshNats>>;
let bus: Bus;
const closers: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  [shop, nats] = await Promise.all([openShop([7, 50]), freshNats()]);
  bus = openBus({ url: nats.url, name: "test", log: silentLog, sql: shop.sql });
  await bus.ready;
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await bus.close();
  await Promise.all([shop.drop(), nats.release()]);
});

async function hot(variant = 0): Promise<void> {
  await setFlash(shop.sql, {
    storeId: shop.store.id,
    variantId: shop.variants[variant]!,
    on: true,
    author: "test",
  });
}

function door(maxWaiting = 1_000, on: Bus = bus) {
  const queue = openQueue(on.connection);
  const switches = openSwitches(shop.sql);
  return openDoor({ sql: shop.sql, log: silentLog, bus: on, switches, queue, maxWaiting });
}

const requestFor = (cartId: string, key = cartId, token = "ok"): CheckoutRequest => ({
  storeId: shop.store.id,
  cartId,
  key,
  payment: { provider: "test", token },
  traceparent: newTraceparent(),
});

async function accepted(answer: Promise<unknown>): Promise<Accepted> {
  const result = (await answer) as Accepted;
  expect(result.status).toBe(202);
  return result;
}

function allocators() {
  const running = startAllocators({ sql: shop.sql, bus, log: silentLog, holdMs: 60_000 });
  closers.push(() => running.stop());
  return running;
}

const lookUp = (id: string) =>
  queuedOrder({ sql: shop.sql, queue: openQueue(bus.connection) }, shop.store.id, id);

async function statusOf(id: string): Promise<string> {
  return (await lookUp(id))?.status ?? "unknown";
}

/** What the jobs `checkout.pay` in the outbox do, each twice at once. */
async function payAll(): Promise<void> {
  const deps = { ...shop.deps, groups: openGroups(shop.sql) };
  const rows = await shop.sql`SELECT payload FROM bus.outbox WHERE kind = 'checkout.pay'`;
  await Promise.all(
    [...rows, ...rows]
      .flatMap(row => row.payload.orderIds)
      .map((id: string) => payAllocated(deps, shop.store.id, id)),
  );
}

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
  expect((await jobs(shop)).filter(kind => kind === "stock.commit")).toHaveLength(2);
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

const allocate = (deps: Parameters<typeof prepareBatch>[0], lane: number, messages: readonly LaneMessage[]) =>
  prepareBatch(deps, lane, messages)();
/** As they come when they were delivered before. */
const redelivered = (messages: readonly LaneMessage[]) => messages.map(one => ({ ...one, again: true }));

function messagesFor(carts: readonly string[], nonces?: string[]): LaneMessage[] {
  return carts.map((cartId, i) => {
    const request = requestFor(cartId);
    const nonce = nonces?.[i] ?? newNonce();
    const queued: Queued = { ...request, fingerprint: fingerprintOf(request), atMs: 1_000, nonce };
    return { seq: i + 1, again: false, data: JSON.stringify(queued) };
  });
}

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

test("an allocator whose session is killed is followed by another, in order and without loss", async () => {
  await hot(1);
  const at = door();
  const carts = await Promise.all(Array.from({ length: 60 }, () => fillCart(shop, [[1, 1]])));
  allocators();
  allocators();
  const all: Accepted[] = [];
  for (const [i, cart] of carts.entries()) {
    all.push(await accepted(at.accept(requestFor(cart.id))));
    if (i === 30) {
      await shop.sql`
        SELECT pg_terminate_backend(l.pid) FROM pg_locks l
        WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    }
  }
  await until(async () => (await statusOf(all.at(-1)!.id)) === "refused", {
    what: "the last is served",
    timeoutMs: 30_000,
  });
  const served = await Promise.all(all.map(one => statusOf(one.id)));
  expect(served).toEqual([...Array(50).fill("pending"), ...Array(10).fill("refused")]);
  expect(await levelOf(shop, 1)).toEqual({ onHand: 50, reserved: 50 });
}, 45_000);

test("beyond the limit of a lane buyers are told to come again", async () => {
  await hot();
  const at = door(2);
  const carts = await Promise.all(Array.from({ length: 3 }, () => fillCart(shop, [[0, 1]])));
  await accepted(at.accept(requestFor(carts[0]!.id)));
  await accepted(at.accept(requestFor(carts[1]!.id)));
  const refused = await at.accept(requestFor(carts[2]!.id)).catch(error => error);
  expect(refused).toMatchObject({ status: 429, code: "queue_full" });
  expect(Number(refused.more.headers["retry-after"])).toBeGreaterThanOrEqual(1);
});

test("without NATS checkouts go the direct way, some at a time", async () => {
  await hot();
  const nowhere = openBus({ url: "nats://127.0.0.1:1", name: "test", log: silentLog, sql: shop.sql });
  closers.push(() => nowhere.close());
  const at = door(1_000, nowhere);
  const cart = await fillCart(shop, [[0, 1]]);
  const ways = await Promise.all(Array.from({ length: 64 }, () => at.accept(requestFor(cart.id))));
  expect(ways.every(way => "direct" in way)).toBe(true);
  expect(await at.accept(requestFor(cart.id)).catch(e => e.code)).toBe("queue_full");
  for (const way of ways) if ("direct" in way) way.done();
  expect(await at.accept(requestFor(cart.id))).toHaveProperty("direct");
});

test("a message that nobody can read does not stop its lane", async () => {
  await hot();
  const lane = laneOf(shop.store.id, shop.variants[0]!);
  expect(lane).toBeLessThan(LANES);
  await publishToLane(bus.connection, lane, { id: "junk", data: "{ not json" });
  const cart = await fillCart(shop, [[0, 1]]);
  const queued = await accepted(door().accept(requestFor(cart.id)));
  allocators();
  await until(async () => (await statuses(shop)).orders!.length === 1, { what: "the order" });
  expect(await statusOf(queued.id)).toBe("pending");
});
