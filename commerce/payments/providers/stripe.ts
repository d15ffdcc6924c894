/**
 * Stripe through its SDK (docs.stripe.com/api/payment_intents, capture_method manual). A token is a PaymentMethod (`pm_…`).
 *
 * Two steps, so that an answer that was lost can be heard again:
 *   create   an unconfirmed PaymentIntent under the idempotency key `create:<our id>`, from what our own row says; asked
 *            again it gives the same PaymentIntent. Nothing is authorised yet.
 *   confirm  with the buyer's PaymentMethod under `confirm:<our id>`. What it comes to stands in the PaymentIntent, which is
 *            read before anything is confirmed: so the first confirmation decides, whoever asks again and with what.
 *
 * Crash story: after our row, nothing has happened; after create, nothing is authorised, and `lookup` says `unknown`;
 * during or after confirm, the PaymentIntent knows. An intent that is voided before it was asked for leaves a row that
 * says so; a create that runs at the same time meets the same PaymentIntent, which void cancels.
 */
import Stripe from "stripe";
import type { Db } from "../../../platform/postgres/index.ts";
import {
  type Intent,
  type PaymentProvider,
  type PaymentResult,
  type PaymentState,
  PaymentUnanswered,
} from "../provider.ts";
import * as books from "../store.stripe.ts";

export type StripeOptions = {
  secretKey: string;
  /** `https://api.stripe.com` when absent. */
  apiHost?: string | undefined;
  /** How long a call may take; default 8,000. */
  timeoutMs?: number;
};

type Known = Pick<Intent, "storeId" | "intentId">;
const name = "stripe";
/** How often a call is repeated that met another under the same key; it ends with the other's answer. */
const TURNS = 20;
const TURN_MS = 50;

export function openStripe({ secretKey, apiHost, timeoutMs = 8_000 }: StripeOptions): Stripe {
  const url = apiHost ? new URL(apiHost) : undefined;
  return new Stripe(secretKey, {
    // We repeat calls ourselves, and know what that means.
    maxNetworkRetries: 0,
    timeout: timeoutMs,
    telemetry: false,
    httpClient: Stripe.createFetchHttpClient(),
    ...(url && {
      host: url.hostname,
      port: url.port || (url.protocol === "http:" ? "80" : "443"),
      protocol: url.protocol === "http:" ? ("http" as const) : ("https" as const),
    }),
  });
}

export function stripeProvider(sql: Db, options: StripeOptions): PaymentProvider {
  const stripe = openStripe(options);

  /** The PaymentIntent of our intent as it is now. */
  async function find(known: books.Asked, signal?: AbortSignal): Promise<Stripe.PaymentIntent> {
    if (known.stripeId) return within(() => stripe.paymentIntents.retrieve(known.stripeId!), signal);
    const made = await within(
      () =>
        stripe.paymentIntents.create(
          {
            amount: known.amountMinor,
            currency: known.currency.toLowerCase(),
            capture_method: "manual",
            automatic_payment_methods: { enabled: true, allow_redirects: "never" },
            metadata: { tradewind_intent: known.intentId, tradewind_store: known.storeId },
          },
          { idempotencyKey: `create:${known.intentId}` },
        ),
      signal,
    );
    await books.rememberId(sql, known, made.id);
    // What create answers under a used key is what it answered first.
    return within(() => stripe.paymentIntents.retrieve(made.id), signal);
  }

  async function state(known: Known): Promise<PaymentState> {
    const asked = await books.find(sql, known);
    if (!asked) return "unknown";
    if (asked.voided && asked.amountMinor === 0) return "voided";
    return stateOf(await find(asked));
  }

  async function confirm(
    intent: Intent,
    asked: books.Asked,
    token: string,
    signal: AbortSignal,
  ): Promise<PaymentState> {
    const before = await find(asked, signal);
    const known = stateOf(before);
    if (known !== "unknown") return known;
    try {
      const after = await within(
        () =>
          stripe.paymentIntents.confirm(
            before.id,
            { payment_method: token },
            { idempotencyKey: `confirm:${intent.intentId}` },
          ),
        signal,
      );
      return stateOf(after);
    } catch (error) {
      if (error instanceof Stripe.errors.StripeCardError) return "declined";
      if ((error as { param?: string }).param === "payment_method") return decline(intent);
      // Somebody else's confirmation, or our own earlier one with another token, came first: it decides.
      if (isRefusal(error)) return stateOf(await find({ ...asked, stripeId: before.id }, signal));
      throw error;
    }
  }

  return {
    name,
    async authorise(intent, token, signal) {
      const asked = await books.note(sql, intent);
      if (asked.voided) {
        // Not cancelled yet by who voids it: it will be.
        const now = await state(intent);
        return now === "unknown" ? "voided" : now;
      }
      for (let turn = 0; turn < TURNS; turn++) {
        const result = await confirm(intent, asked, token, signal);
        if (result !== "unknown") return result;
        await Bun.sleep(TURN_MS);
      }
      return decline(intent);
    },
    async capture(intent) {
      const asked = await books.find(sql, intent);
      if (!asked) throw new Error(`capture of an unknown intent ${intent.intentId}`);
      const { id } = await find(asked);
      try {
        const after = await within(() =>
          stripe.paymentIntents.capture(id, {}, { idempotencyKey: `capture:${intent.intentId}` }),
        );
        return stateOf(after) as PaymentResult;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        return (await state(intent)) as PaymentResult;
      }
    },
    async refund(refund) {
      const asked = await books.find(sql, refund);
      if (!asked?.stripeId) return "refused";
      try {
        const made = await within(() =>
          stripe.refunds.create(
            {
              payment_intent: asked.stripeId!,
              amount: refund.amountMinor,
              metadata: { tradewind_refund: refund.refundId },
            },
            { idempotencyKey: `refund:${refund.refundId}` },
          ),
        );
        return made.status === "failed" || made.status === "canceled" ? "refused" : "refunded";
      } catch (error) {
        if (isRefusal(error)) return "refused";
        throw error;
      }
    },
    async void(intent) {
      const asked = await books.markVoided(sql, intent);
      // Never asked for: the row keeps it so.
      if (asked.amountMinor === 0) return "voided";
      const found = await find(asked);
      if (found.status === "canceled" || found.status === "succeeded") return stateOf(found);
      try {
        return stateOf(await within(() => stripe.paymentIntents.cancel(found.id)));
      } catch (error) {
        if (!isRefusal(error)) throw error;
        return state(intent);
      }
    },
    lookup: state,
  };

  /** Nothing was authorised and nothing shall be: the PaymentIntent is cancelled. */
  async function decline(intent: Intent): Promise<PaymentResult> {
    const asked = await books.markVoided(sql, intent);
    await within(() => stripe.paymentIntents.cancel(asked.stripeId!)).catch(error => {
      if (!isRefusal(error)) throw error;
    });
    const now = await state(intent);
    return now === "voided" || now === "unknown" ? "declined" : now;
  }
}

/** docs.stripe.com/payments/paymentintents/lifecycle. `unknown`: not confirmed yet. */
function stateOf(intent: Stripe.PaymentIntent): PaymentState {
  switch (intent.status) {
    case "requires_capture":
      return "authorised";
    case "succeeded":
      return "captured";
    case "canceled":
      return "voided";
    case "requires_payment_method":
      return intent.last_payment_error ? "declined" : "unknown";
    // The buyer's bank wants to see them: there is nobody there, as we confirm without a browser.
    case "requires_action":
      return "declined";
    default:
      return "unknown";
  }
}

/** Stripe said no: 400 (wrong state or parameters, a key used for something else), 402, 404, 409 (the key is in use). */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof Stripe.errors.StripeInvalidRequestError ||
    error instanceof Stripe.errors.StripeIdempotencyError ||
    (error instanceof Stripe.errors.StripeError && error.statusCode === 409)
  );
}

/** A call that the caller may stop waiting for. @throws PaymentUnanswered when no word came. */
async function within<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal?.aborted) throw new PaymentUnanswered(name);
  let leave = () => {};
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(new PaymentUnanswered(name));
    signal?.addEventListener("abort", leave, { once: true });
  });
  try {
    return await Promise.race([call(), left]);
  } catch (error) {
    const { statusCode } = error as { statusCode?: number };
    const silent =
      error instanceof Stripe.errors.StripeConnectionError || (statusCode ?? 0) >= 500 || statusCode === 429;
    throw silent ? new PaymentUnanswered(name) : error;
  } finally {
    signal?.removeEventListener("abort", leave);
  }
}
