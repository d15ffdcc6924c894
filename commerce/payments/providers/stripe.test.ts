import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../../../platform/ids.ts";
import { type FreshDatabase, freshDatabase } from "../../../platform/testing/index.ts";
import { readStripeEvent, receive } from "../index.ts";
import { describeProvider } from "../provider.contract.ts";
import { type PaymentProvider, PaymentUnanswered } from "../provider.ts";
import { cards, type StripeStandIn, startStripeStandIn } from "../testing/stripe-stand-in.ts";
import { stripeProvider } from "./stripe.ts";

let db: FreshDatabase;
let stripe: StripeStandIn;
beforeAll(async () => {
  db = await freshDatabase();
  stripe = startStripeStandIn();
});
afterAll(async () => {
  await stripe.stop();
  await db.drop();
});

const provider = (timeoutMs = 500): PaymentProvider =>
  stripeProvider(db.sql, { secretKey: stripe.secretKey, apiHost: stripe.url, timeoutMs });
const patience = () => AbortSignal.timeout(5_000);
const someIntent = () => ({
  storeId: newId("store"),
  intentId: newId("pay"),
  amountMinor: 2_500,
  currency: "EUR",
});

describeProvider("stripe", {
  provider,
  tokens: { ok: cards.ok, declined: cards.declined, lostAnswer: cards.lostAnswer },
});

describe("stripe", () => {
  test("makes one PaymentIntent of our intent, with its amount, currency and ids, however often it is asked", async () => {
    const intent = someIntent();
    await Promise.all(Array.from({ length: 5 }, () => provider().authorise(intent, cards.ok, patience())));
    const mine = stripe.intents().filter(one => one.metadata.tradewind_intent === intent.intentId);
    expect(mine).toMatchObject([
      {
        amount: 2_500,
        currency: "eur",
        capture_method: "manual",
        status: "requires_capture",
        metadata: { tradewind_store: intent.storeId },
      },
    ]);
  });

  test("a create whose answer was lost is heard by asking again", async () => {
    const intent = someIntent();
    await provider().authorise(intent, cards.ok, patience());
    await db.sql`UPDATE payments.stripe_intent SET stripe_id = NULL WHERE intent_id = ${intent.intentId}`;
    expect(await provider().lookup(intent)).toBe("authorised");
    expect(await provider().void(intent)).toBe("voided");
  });

  test("a PaymentMethod that does not exist, and one that wants its owner, are declined and hold no money", async () => {
    for (const token of ["pm_nonsense", cards.authentication]) {
      const intent = someIntent();
      expect(await provider().authorise(intent, token, patience())).toBe("declined");
      expect(["declined", "voided"]).toContain(await provider().lookup(intent));
    }
  });

  test("errors of Stripe's own leave the outcome open, and a wrong key is a defect", async () => {
    stripe.fail(500);
    const failed = await provider()
      .authorise(someIntent(), cards.ok, patience())
      .catch(error => error);
    stripe.fail(null);
    expect(failed).toBeInstanceOf(PaymentUnanswered);
    const stranger = stripeProvider(db.sql, { secretKey: "sk_test_wrong", apiHost: stripe.url });
    const refused = await stranger.authorise(someIntent(), cards.ok, patience()).catch(error => error);
    expect(refused.type).toBe("StripeAuthenticationError");
  });
});

describe("a webhook", () => {
  const secret = "whsec_test";
  const object = { metadata: { tradewind_intent: newId("pay"), tradewind_store: newId("store") } };
  const bytes = (text: string) => new TextEncoder().encode(text);

  test("is read when its signature fits, and refused otherwise", async () => {
    const { body, signature } = await stripe.webhook("payment_intent.canceled", object, secret, "evt_1");
    expect(await readStripeEvent(bytes(body), signature, secret)).toMatchObject({
      id: "evt_1",
      intentId: object.metadata.tradewind_intent,
    });
    const refusals = [
      readStripeEvent(bytes(`${body} `), signature, secret),
      readStripeEvent(bytes(body), signature, "whsec_other"),
      readStripeEvent(bytes(body), "", secret),
      readStripeEvent(bytes(body), "t=1,v1=00", secret),
    ];
    for (const refused of await Promise.allSettled(refusals)) {
      expect(refused).toMatchObject({
        status: "rejected",
        reason: { status: 400, code: "signature_invalid" },
      });
    }
  });

  test("about something else is nothing to us", async () => {
    const { body, signature } = await stripe.webhook("customer.created", { metadata: {} }, secret);
    expect(await readStripeEvent(bytes(body), signature, secret)).toBeNull();
  });

  test("that comes again makes no second job", async () => {
    const { body, signature } = await stripe.webhook("payment_intent.canceled", object, secret, "evt_2");
    const event = (await readStripeEvent(bytes(body), signature, secret))!;
    const taken = await Promise.all(Array.from({ length: 4 }, () => receive(db.sql, event, "")));
    expect(taken.filter(Boolean)).toHaveLength(1);
    const jobs = await db.sql`SELECT 1 FROM bus.outbox WHERE kind = 'payment.reconcile'`;
    expect(jobs).toHaveLength(1);
  });
});
