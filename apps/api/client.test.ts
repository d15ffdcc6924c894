/** The typed client against a running application: what compiles here is what the routes say. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { upsertProducts } from "../../commerce/catalog/index.ts";
import { payAllocated, reconcilePayment, setFlash, startAllocators } from "../../commerce/checkout/index.ts";
import { openProviders } from "../../commerce/payments/index.ts";
import {
  cards,
  type StripeStandIn,
  startStripeStandIn,
} from "../../commerce/payments/testing/stripe-stand-in.ts";
import { setPrices } from "../../commerce/pricing/index.ts";
import { loadConfig } from "../../platform/config.ts";
import { transaction } from "../../platform/postgres/index.ts";
import { until } from "../../platform/testing/index.ts";
import { backOfficeClient, storefrontClient } from "./client.ts";
import { type TestApi, testApi } from "./testing.ts";

const WEBHOOK_SECRET = "whsec_test";
let api: TestApi;
let stripe: StripeStandIn;
let variantId: string;

beforeAll(async () => {
  stripe = startStripeStandIn();
  const settings = {
    stripeSecretKey: stripe.secretKey,
    stripeApiHost: stripe.url,
    stripeWebhookSecret: WEBHOOK_SECRET,
  };
  api = await testApi({ nats: true, config: { ...loadConfig({}), ...settings } as never });
  const { sql, store } = api;
  variantId = await transaction(sql, async tx => {
    const { variants } = await upsertProducts(tx, store.id, [
      {
        ref: 0,
        handle: "kettle",
        title: "Kettle",
        status: "active",
        variants: [{ ref: 0, optionValues: [], sku: "K-1" }],
      },
    ]);
    const [one] = variants;
    await setPrices(tx, store.id, "EUR", [{ ...one!, amountMinor: 4_900, compareAtMinor: null }]);
    const rows = [{ ...one!, onHand: 20 }];
    await tx`SELECT inventory.set_initial(${store.id}, ${tx.json(rows as never)}, 'new', 'test')`;
    return one!.variantId;
  });
});
afterAll(async () => {
  await stripe.stop();
  await api.close();
});

/** Eden calls an application in this process by its `handle`. */
const shop = (headers: Record<string, string> = {}) =>
  storefrontClient(api.app as never, { publishableKey: api.keys.publishable, headers });
const office = () => backOfficeClient(api.app as never, { secretKey: api.keys.secret });

async function fullCart(quantity = 1): Promise<string> {
  const { data: cart } = await shop().store.carts.post({ email: "buyer@example.com" });
  const { data } = await shop().store.carts({ id: cart!.id }).lines.post({ variantId, quantity });
  expect(data!.totalMinor).toBe(4_900 * quantity);
  return cart!.id;
}

function checkOut(
  cartId: string,
  payment: { provider: "test"; token: "ok" } | { provider: "stripe"; token: string },
) {
  return shop({ "idempotency-key": cartId }).store.carts({ id: cartId }).checkout.post({ payment });
}

test("a journey from cart to order, all of it typed", async () => {
  const cartId = await fullCart();
  const { data: order, status } = await checkOut(cartId, { provider: "test", token: "ok" });
  expect(status).toBe(201);
  const { data: seen } = await shop()
    .store.orders({ id: (order as { id: string }).id })
    .get();
  expect(seen).toMatchObject({ status: "placed", totalMinor: 4_900 });
});

test("a problem is an error with its document", async () => {
  const { data, error, status } = await shop().store.carts({ id: "cart_nothing0000" }).get();
  expect(data).toBeNull();
  expect(status).toBe(404);
  expect(error?.value).toMatchObject({ code: "not_found" });
});

test("flash mode is switched by the back office, and the checkout tells where to look", async () => {
  const { data: state } = await office().admin.flash.patch({ on: true, variantId });
  expect(state).toMatchObject({
    on: false,
    variants: [variantId],
    switches: [{ variantId, by: "admin", until: null }],
  });
  // A node may trust what it read for a second.
  await Bun.sleep(1_050);
  const cartId = await fullCart();
  const { data, status, response } = await checkOut(cartId, { provider: "test", token: "ok" });
  expect(status).toBe(202);
  const { id } = data as unknown as { id: string };
  expect(response.headers.get("location")).toBe(`/store/orders/${id}`);
  const pending = await shop().store.orders({ id }).get();
  expect(pending.data).toMatchObject({ id, status: "pending", queue: { position: 1 } });

  // Somebody who wants more than there is, and watches.
  const greedy = await fullCart(30);
  const late = await checkOut(greedy, { provider: "test", token: "ok" });
  const lateId = (late.data as unknown as { id: string }).id;
  const events = await api.request("GET", `/store/orders/${lateId}/events`, { key: api.keys.publishable });
  const stream = events.body!.pipeThrough(new TextDecoderStream()).getReader();
  let told = "";
  while (!told.includes("event: queue")) told += (await stream.read()).value;
  expect(told).toContain('"position":2');

  const { sql, bus, deps, store } = api;
  const allocators = startAllocators({ sql, bus, log: deps.log, holdMs: 60_000 });
  await until(async () => "number" in ((await shop().store.orders({ id }).get()).data ?? {}), {
    what: "the order",
  });
  await payAllocated({ sql, log: deps.log, providers: openProviders(sql), holdMs: 60_000 }, store.id, id);
  expect((await shop().store.orders({ id }).get()).data).toMatchObject({ status: "placed" });
  for (let part = await stream.read(); !part.done; part = await stream.read()) told += part.value;
  expect(told).toContain('"code":"out_of_stock"');
  expect((await shop().store.orders({ id: lateId }).get()).data).toMatchObject({
    status: "refused",
    lines: [{ quantity: 30 }],
    refusal: { code: "out_of_stock", lines: [{ variantId, requested: 30 }] },
  });
  await allocators.stop();
  await setFlash(sql, { storeId: store.id, variantId, on: false, author: "test" });
  await Bun.sleep(1_050);
});

test("events of an order come as a stream", async () => {
  const { data } = await checkOut(await fullCart(), { provider: "test", token: "ok" });
  const { id } = data as unknown as { id: string };
  const response = await api.request("GET", `/store/orders/${id}/events`, { key: api.keys.publishable });
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  await response.body!.cancel();
});

test("Stripe: placed, declined, and an answer that was lost is brought by its webhook", async () => {
  const placed = await checkOut(await fullCart(), { provider: "stripe", token: cards.ok });
  expect(placed.status).toBe(201);
  const declined = await checkOut(await fullCart(), { provider: "stripe", token: cards.declined });
  expect(declined.status).toBe(402);

  const { sql, store, deps } = api;
  const providers = openProviders(sql, { stripeSecretKey: stripe.secretKey, stripeApiHost: stripe.url });
  const cartId = await fullCart();
  const lost = checkOut(cartId, { provider: "stripe", token: cards.lostAnswer });
  await until(() => stripe.intents().at(-1)?.status === "requires_capture", { what: "the authorisation" });
  const intent = stripe.intents().at(-1)!;
  const { body, signature } = await stripe.webhook(
    "payment_intent.amount_capturable_updated",
    intent,
    WEBHOOK_SECRET,
  );
  const send = (text: string) =>
    api.request("POST", "/webhooks/stripe", { body: text, headers: { "stripe-signature": signature } });
  expect(await (await send(body)).json()).toEqual({ received: true });
  expect(await (await send(body)).json()).toEqual({ received: false });
  expect((await send(`${body} `)).status).toBe(400);

  const intentId = intent.metadata.tradewind_intent!;
  const checkoutDeps = { sql, log: deps.log, providers, holdMs: 60_000 };
  expect(await reconcilePayment(checkoutDeps, store.id, intentId)).toBe("settled");
  expect(await reconcilePayment(checkoutDeps, store.id, intentId)).toBe("nothing to settle");
  const [order] =
    await sql`SELECT status FROM orders.order WHERE store_id = ${store.id} AND cart_id = ${cartId}`;
  expect(order!.status).toBe("placed");
  // Ends the call that still waits.
  await stripe.stop();
  await lost;
}, 120_000);
