import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Outcome, Payload } from "../../bus/index.ts";
import { emailSend, enqueue, findJobs, stockCommit, stockRelease } from "../../bus/index.ts";
import { buy, fillCart, levelOf, openShop, type Shop } from "../../commerce/checkout/shop.fixture.ts";
import { sweepReservations } from "../../commerce/inventory/index.ts";
import { systemClock } from "../../platform/clock.ts";
import { loadConfig } from "../../platform/config.ts";
import { silentLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import { testServers } from "../../platform/testing/index.ts";
import { newTraceparent } from "../../platform/trace.ts";
import type { Handler, JobDefinition } from "../handler.ts";
import { emailSendJob } from "./email.send.ts";
import { stockCommitJob } from "./stock.commit.ts";
import { stockReleaseJob } from "./stock.release.ts";

let shop: Shop;
const handlers = new Map<JobDefinition, Handler>();
beforeAll(async () => {
  shop = await openShop([10]);
  const config = loadConfig({ SMTP_URL: (await testServers()).smtpUrl });
  const metrics = createMetrics("test");
  for (const job of [stockCommitJob, stockReleaseJob, emailSendJob]) {
    handlers.set(
      job,
      job.make({ config, sql: shop.sql, log: silentLog, clock: systemClock, metrics }) as Handler,
    );
  }
});
afterAll(async () => {
  for (const handler of handlers.values()) await handler.close?.();
  await shop.drop();
});

function run(
  definition: JobDefinition,
  payload: unknown,
  context: { isLimited?: boolean } = {},
): Promise<Outcome> {
  const { contract } = definition;
  const job = {
    id: Bun.randomUUIDv7(),
    kind: contract.kind,
    version: 1,
    priority: contract.priority,
    storeId: shop.store.id,
    key: "k",
    attempt: 1,
    traceparent: newTraceparent(),
    payload,
  };
  return handlers.get(definition)!.run(job, {
    signal: AbortSignal.timeout(10_000),
    log: silentLog,
    progress() {},
    delivery: 1,
    ...context,
  });
}

async function payloads(kind: string) {
  const rows = await shop.sql`SELECT payload FROM bus.outbox WHERE kind = ${kind}`;
  return rows.map(row => row.payload);
}

test("the jobs of a placed order sell its stock once and mail its buyer once", async () => {
  await buy(shop, (await fillCart(shop, [[0, 3]])).id);
  const [commit] = (await payloads(stockCommit.kind)) as Payload<typeof stockCommit>[];
  const [mail] = (await payloads(emailSend.kind)) as Payload<typeof emailSend>[];
  const outcomes = await Promise.all([
    run(stockCommitJob, commit),
    run(stockCommitJob, commit),
    run(emailSendJob, mail),
  ]);
  expect(outcomes).toEqual([{ type: "done" }, { type: "done" }, { type: "done" }]);
  expect(await run(stockCommitJob, commit)).toEqual({ type: "done" });
  expect(await run(emailSendJob, mail)).toEqual({ type: "done" });
  expect(await levelOf(shop)).toEqual({ onHand: 7, reserved: 0 });
});

test("a job of many orders commits all that can be, and is found by each of them", async () => {
  const before = await levelOf(shop);
  const bought = [await fillCart(shop, [[0, 1]]), await fillCart(shop, [[0, 1]])];
  for (const cart of bought) await buy(shop, cart.id);
  const orders = await shop.sql<{ id: string }[]>`
    SELECT id FROM orders.order WHERE cart_id = ANY(${bought.map(cart => cart.id)}) ORDER BY id`;
  const orderIds = [orders[0]!.id, "ord_nothing00", orders[1]!.id];
  const job = { contract: stockCommit, payload: { orderIds }, storeId: shop.store.id };
  const id = await shop.sql.begin(tx => enqueue(tx as never, job));
  for (const orderId of orderIds) {
    const { items } = await findJobs(shop.sql, {
      key: `order:${orderId}`,
      kind: stockCommit.kind,
      limit: 10,
    });
    expect(items.map(item => item.id)).toContain(id);
  }
  expect(await run(stockCommitJob, job.payload)).toEqual({
    type: "discard",
    reason: "ord_nothing00: there is no such order",
  });
  expect(await levelOf(shop)).toEqual({ onHand: before.onHand - 2, reserved: before.reserved });
});

test("a job of many orders writes to each buyer once, though one of them can't be, and is found by each order", async () => {
  for (let i = 0; i < 3; i++) await buy(shop, (await fillCart(shop, [[0, 1]])).id);
  const orders = await shop.sql<{ id: string }[]>`
    SELECT id FROM orders.order WHERE status = 'placed' ORDER BY created_at DESC LIMIT 3`;
  const orderIds = ["ord_nothing00", ...orders.map(order => order.id)];
  const payload = { template: "order_confirmation" as const, orderIds };
  const job = { contract: emailSend, payload, storeId: shop.store.id };
  const id = await shop.sql.begin(tx => enqueue(tx as never, job));
  for (const orderId of orderIds) {
    const { items } = await findJobs(shop.sql, { key: `order:${orderId}`, kind: emailSend.kind, limit: 10 });
    expect(items.map(item => item.id)).toContain(id);
  }
  const sent = () => shop.sql`
    SELECT status, claims FROM notifications.mail WHERE event_id = ANY(${orders.map(one => `order.placed:${one.id}`)})`;
  expect(await run(emailSendJob, payload)).toEqual({ type: "done" });
  expect(await run(emailSendJob, payload)).toEqual({ type: "done" });
  expect((await sent()).map(row => ({ ...row }))).toEqual(Array(3).fill({ status: "sent", claims: 1 }));
  expect(await run(emailSendJob, { template: "order_confirmation", orderIds: ["ord_nothing00"] })).toEqual({
    type: "discard",
    reason: "what it is about does not exist (any more)",
  });
});

test("under a rate limit, which counts jobs, a job of many orders becomes a job for each", async () => {
  const orderIds = ["ord_limited000", "ord_limited001"];
  const outcome = await run(emailSendJob, { template: "order_confirmation", orderIds }, { isLimited: true });
  expect(outcome).toEqual({ type: "done" });
  const rows = await shop.sql`
    SELECT payload FROM bus.outbox WHERE kind = 'email.send' AND key = ANY(${orderIds.map(id => `order:${id}`)})`;
  expect(rows.map(row => row.payload.subjectId).toSorted()).toEqual(orderIds);
});

test("jobs about orders that are not placed, or don't exist, are discarded", async () => {
  await buy(shop, (await fillCart(shop, [[0, 1]])).id, { token: "decline" });
  const [order] = await shop.sql`SELECT id FROM orders.order WHERE status = 'refused'`;
  await buy(shop, (await fillCart(shop, [[0, 1]])).id, { token: "timeout" }).catch(() => {});
  const [pending] = await shop.sql`SELECT id, reservation_id FROM orders.order WHERE status = 'pending'`;
  const before = await levelOf(shop);
  expect((await run(stockCommitJob, { orderIds: [pending!.id] })).type).toBe("discard");
  expect((await run(stockCommitJob, { orderIds: ["ord_nothing00"] })).type).toBe("discard");
  expect((await run(stockReleaseJob, { reservationId: pending!.reservation_id })).type).toBe("discard");
  expect((await run(stockReleaseJob, { reservationId: "res_nothing00" })).type).toBe("discard");
  expect((await run(stockCommitJob, { orderIds: [order!.id] })).type).toBe("done");
  expect(await levelOf(shop)).toEqual(before);
});

test("the stock of a lapsed reservation comes back once", async () => {
  const { reserved } = await levelOf(shop);
  await shop.sql`
    UPDATE inventory.reservation SET expires_at = now() WHERE status = 'held' AND expires_at < 'infinity'`;
  expect(await sweepReservations(shop)).toBe(1);
  const [release] = (await payloads(stockRelease.kind)) as Payload<typeof stockRelease>[];
  await Promise.all([run(stockReleaseJob, release), run(stockReleaseJob, release)]);
  expect(await run(stockReleaseJob, release)).toEqual({ type: "done" });
  expect((await levelOf(shop)).reserved).toBe(reserved - 1);
});
