/** Flash mode: first come, first served, each once, whatever dies in between. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { type Bus, LANES, type LaneMessage, openBus, publishToLane } from "../../../bus/index.ts";
import { silentLog } from "../../../platform/log.ts";
import { freshNats, until } from "../../../platform/testing/index.ts";
import { newTraceparent } from "../../../platform/trace.ts";
import { addLine } from "../../carts/index.ts";
import { openGroups } from "../groups.ts";
import { type CheckoutRequest, fingerprintOf } from "../model.ts";
import { fillCart, jobs, levelOf, openShop, type Shop, statuses } from "../shop.fixture.ts";
import {
  type Accepted,
  getFlash,
  openDoor,
  openLoadWatch,
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

function door(maxWaiting = 1_000, on: Bus = bus, limit = 0) {
  const queue = openQueue(on.connection);
  const switches = openSwitches(shop.sql);
  const load = openLoadWatch({ sql: shop.sql, log: silentLog, limit });
  return openDoor({ sql: shop.sql, log: silentLog, bus: on, switches, load, queue, maxWaiting });
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

test("first come, first served, each once, though the allocators' process is killed again and again", async () => {
  await hot(1);
  const at = door();
  const carts = await Promise.all(Array.from({ length: 60 }, () => fillCart(shop, [[1, 1]])));
  const program = `${import.meta.dir}/allocator.fixture.ts`;
  const start = () =>
    Bun.spawn([process.execPath, program, shop.url, nats.url], { stdout: "ignore", stderr: "ignore" });
  let process_ = start();
  closers.push(async () => process_.kill("SIGKILL"));
  const all: Accepted[] = [];
  for (let round = 1; round <= 3; round++) {
    for (const cart of carts.slice((round - 1) * 20, round * 20))
      all.push(await accepted(at.accept(requestFor(cart.id))));
    // In the middle of it: something of this round was served.
    await until(async () => (await statuses(shop)).orders!.length > (round - 1) * 20, {
      what: "an order of the round",
      timeoutMs: 30_000,
    });
    process_.kill("SIGKILL");
    await process_.exited;
    process_ = start();
  }
  await until(async () => (await statusOf(all.at(-1)!.id)) === "refused", {
    what: "the last is served",
    timeoutMs: 30_000,
  });
  expect(await Promise.all(all.map(one => statusOf(one.id)))).toEqual([
    ...Array(50).fill("pending"),
    ...Array(10).fill("refused"),
  ]);
  expect(await levelOf(shop, 1)).toEqual({ onHand: 50, reserved: 50 });
  const rows = await shop.sql`SELECT payload FROM bus.outbox WHERE kind = 'checkout.pay'`;
  expect(rows.flatMap(row => row.payload.orderIds).toSorted()).toEqual(
    all
      .slice(0, 50)
      .map(one => one.id)
      .toSorted(),
  );
}, 90_000);

test("load switches on what most wait for, for a while; an admin's switch stays", async () => {
  const at = door(1_000, bus, 3);
  const carts = await Promise.all(Array.from({ length: 6 }, () => fillCart(shop, [[0, 1]])));
  const ways = await Promise.all(carts.slice(0, 4).map(cart => at.accept(requestFor(cart.id))));
  expect(ways.every(way => "direct" in way)).toBe(true);
  const switched = () => getFlash(shop.sql, shop.store.id);
  await until(async () => (await switched()).variants.length === 1, { what: "the switch" });
  const [one] = (await switched()).switches;
  expect(one).toMatchObject({ variantId: shop.variants[0], by: "load" });
  expect(Date.parse(one!.until!)).toBeGreaterThan(Date.now());
  for (const way of ways) if ("direct" in way) way.done();
  await accepted(door().accept(requestFor(carts[4]!.id)));
  // Its time is over.
  await shop.sql`UPDATE checkout.flash_switch SET until = now()`;
  expect(await switched()).toMatchObject({ on: false, variants: [], switches: [] });
  expect(await door().accept(requestFor(carts[5]!.id))).toHaveProperty("direct");
  await hot();
  const busy = door(1_000, bus, 0);
  const again = openLoadWatch({ sql: shop.sql, log: silentLog, limit: 1 });
  for (const cart of carts.slice(0, 3)) again.begin(shop.store.id, cart.id);
  await accepted(busy.accept(requestFor(carts[5]!.id)));
  expect((await switched()).switches).toMatchObject([{ by: "admin", until: null }]);
});

test("a long queue keeps the switch of load on; load without a common variant switches the store", async () => {
  const carts = [
    ...(await Promise.all([0, 1].map(variant => fillCart(shop, [[variant, 1]])))),
    await fillCart(shop, []),
  ];
  const watch = openLoadWatch({ sql: shop.sql, log: silentLog, limit: 2 });
  for (const cart of carts) watch.begin(shop.store.id, cart.id);
  await until(async () => (await getFlash(shop.sql, shop.store.id)).on, { what: "the store's switch" });
  const end = async () => Date.parse((await getFlash(shop.sql, shop.store.id)).switches[0]!.until!);
  await shop.sql`UPDATE checkout.flash_switch SET until = now() + interval '20 seconds'`;
  const before = await end();
  watch.queued(shop.store.id, "", 1);
  watch.queued(shop.store.id, "", 2);
  await until(async () => (await end()) > before + 30_000, { what: "a later end" });
});

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
