/** What tests of flash mode share: a stage with a shop, and the ways through a queue. */
import { afterEach, beforeEach, expect } from "bun:test";
import { type Bus, type LaneMessage, openBus } from "../../../bus/index.ts";
import { silentLog } from "../../../platform/log.ts";
import { freshNats } from "../../../platform/testing/index.ts";
import { newTraceparent } from "../../../platform/trace.ts";
import { openGroups } from "../groups.ts";
import { type CheckoutRequest, fingerprintOf } from "../model.ts";
import { openShop, type Shop } from "../shop.fixture.ts";
import {
  type Accepted,
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
import { newNonce, type Queued } from "./model.ts";

export let shop: Shop;
export let nats: Awaited<ReturnType<typeof freshNats>>;
export let bus: Bus;
export const closers: (() => Promise<unknown>)[] = [];

/** A shop, NATS and a bus of their own for each test of the file that calls this. */
export function useStage(): void {
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
}

export async function hot(variant = 0): Promise<void> {
  await setFlash(shop.sql, {
    storeId: shop.store.id,
    variantId: shop.variants[variant]!,
    on: true,
    author: "test",
  });
}

export function door(maxWaiting = 1_000, on: Bus = bus, limit = 0) {
  const queue = openQueue(on.connection);
  const switches = openSwitches(shop.sql);
  const load = openLoadWatch({ sql: shop.sql, log: silentLog, limit });
  return openDoor({ sql: shop.sql, log: silentLog, bus: on, switches, load, queue, maxWaiting });
}

export const requestFor = (cartId: string, key = cartId, token = "ok"): CheckoutRequest => ({
  storeId: shop.store.id,
  cartId,
  key,
  payment: { provider: "test", token },
  traceparent: newTraceparent(),
});

export async function accepted(answer: Promise<unknown>): Promise<Accepted> {
  const result = (await answer) as Accepted;
  expect(result.status).toBe(202);
  return result;
}

export function allocators() {
  const running = startAllocators({ sql: shop.sql, bus, log: silentLog, holdMs: 60_000 });
  closers.push(() => running.stop());
  return running;
}

export const lookUp = (id: string) =>
  queuedOrder({ sql: shop.sql, queue: openQueue(bus.connection) }, shop.store.id, id);

export async function statusOf(id: string): Promise<string> {
  return (await lookUp(id))?.status ?? "unknown";
}

/** What the jobs `checkout.pay` in the outbox do, each twice at once. */
export async function payAll(): Promise<void> {
  const deps = { ...shop.deps, groups: openGroups(shop.sql) };
  const rows = await shop.sql`SELECT payload FROM bus.outbox WHERE kind = 'checkout.pay'`;
  await Promise.all(
    [...rows, ...rows]
      .flatMap(row => row.payload.orderIds)
      .map((id: string) => payAllocated(deps, shop.store.id, id)),
  );
}

export const allocate = (
  deps: Parameters<typeof prepareBatch>[0],
  lane: number,
  messages: readonly LaneMessage[],
) => prepareBatch(deps, lane, messages)();
/** As they come when they were delivered before. */
export const redelivered = (messages: readonly LaneMessage[]) =>
  messages.map(one => ({ ...one, again: true }));

export function messagesFor(carts: readonly string[], nonces?: string[]): LaneMessage[] {
  return carts.map((cartId, i) => {
    const request = requestFor(cartId);
    const nonce = nonces?.[i] ?? newNonce();
    const queued: Queued = { ...request, fingerprint: fingerprintOf(request), atMs: 1_000, nonce };
    return { seq: i + 1, again: false, data: JSON.stringify(queued) };
  });
}
