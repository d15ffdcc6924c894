/**
 * Checkout: one cart becomes one order, paid and with its stock, or nothing happens.
 *
 * States
 *   attempt (idempotency key)   in_progress (leased) → done (answer stored) | deleted (nothing to store)
 *   cart                        open → checking_out → completed | open again
 *   order                       pending → placed | refused
 *   reservation                 held until an expiry → held for good → committed (stock.commit) | released
 *   payment intent              created → authorised | declined | voiding → voided
 *
 * Steps (T1 and T2 in groups of those that wait at the same moment: groups.ts)
 *   T1     one statement (`checkout.begin_orders`): key, cart, prices, stock, pending order, payment intent; all or none.
 *   pay    the provider authorises our intent; no transaction is open.
 *   T2     one statement: `checkout.place_orders` when authorised (order placed, reservation held for good, cart completed, answer
 *          201 and outbox rows written), `checkout.decline` when declined (all undone, answer 402 stored).
 *   undo   `checkout.abandon` when there is nothing to place: all is undone and the intent becomes `voiding` in one
 *          statement; then the provider is told to void, then the intent is `voided`.
 *
 * What a crash does
 *   in T1, T2 or abandon   nothing: each is one statement.
 *   after T1               the lease runs out; who asks next (the buyer with the same key, or recovery.ts) asks the provider
 *                          by our intent id. It knows nothing: a buyer's retry pays now, under the same intent, and
 *                          recovery abandons.
 *   after pay              the same question is answered `authorised` or `declined`, and T2 follows as if nothing had been.
 *   after T2               the answer is stored and the jobs are in the outbox; the retry gets the answer.
 *   after abandon          the intent is `voiding`, which recovery.ts voids.
 *   Stock that lapsed meanwhile (expiry passed) makes T2 refuse (`lapsed`), and the checkout is abandoned.
 *
 * Why two that work on one attempt at once do no harm: a lease only saves work. The provider takes an intent once; T2 and
 * abandon lock the attempt, and the first of them wins. Abandon decides in Postgres first and voids afterwards, and a
 * voided intent can't be authorised later: so no order is placed on an authorisation that is about to be voided, and no
 * authorisation outlives an abandoned checkout.
 *
 * Locks are taken in one order by all of it: attempts, carts, reservations, levels.
 */
import { notFound, type Problem } from "../../platform/errors.ts";
import { isId, newId, newSecretId } from "../../platform/ids.ts";
import { stockChanged } from "../inventory/index.ts";
import { type PaymentResult, PaymentUnanswered, providerNamed, voidIntent } from "../payments/index.ts";
import { lapsed, refusalOf, unanswered } from "./errors.ts";
import { alone } from "./groups.ts";
import {
  type Attempt,
  answerOf,
  type BeginRequest,
  type Begun,
  type CheckoutAnswer,
  type CheckoutDeps,
  type CheckoutRequest,
  defaults,
  fingerprintOf,
} from "./model.ts";
import * as store from "./store.ts";

/**
 * Checks a cart out. The answers that are stored (201, 402, 409 out_of_stock) are returned; a repeated key gets them again.
 * @throws Problem for what is not stored: 404; 409 `price_changed`, `cart_completed`, `in_progress`, `checkout_lapsed`;
 * 422 `idempotency_key_reused` or an empty cart; 504 `payment_unanswered`.
 */
export async function checkout(deps: CheckoutDeps, request: CheckoutRequest): Promise<CheckoutAnswer> {
  if (!isId("cart", request.cartId)) throw notFound("cart");
  const begun = await begin(deps, request);
  switch (begun.outcome) {
    case "started":
      deps.bus?.poke();
      await deps.between?.("begun");
      return pay(deps, begun.attempt, request.payment.token);
    case "taken_over":
      return resume(deps, begun.attempt, request.payment.token);
    case "answered":
      return answerOf(begun);
    default:
      throw refusalOf(begun);
  }
}

async function begin(deps: CheckoutDeps, request: CheckoutRequest): Promise<Begun> {
  const { storeId, traceparent } = request;
  const row: BeginRequest = {
    storeId,
    key: request.key,
    fingerprint: fingerprintOf(request),
    cartId: request.cartId,
    orderId: newSecretId("ord"),
    reservationId: newId("res"),
    intentId: newId("pay"),
    provider: request.payment.provider,
    traceparent,
    leaseMs: deps.leaseMs ?? defaults.leaseMs,
    holdMs: deps.holdMs,
    changed: stockChanged({ storeId, traceparent }),
  };
  return (deps.groups ?? alone(deps.sql)).begin(row);
}

/** The retry of an attempt whose process is gone. @throws Problem 504 when the provider does not answer. */
async function resume(deps: CheckoutDeps, attempt: Attempt, token: string): Promise<CheckoutAnswer> {
  const known = await asked(deps, attempt, () =>
    providerNamed(deps.providers, attempt.provider).lookup(attempt),
  );
  return known === "unknown" ? pay(deps, attempt, token) : settle(deps, attempt, known);
}

async function pay(deps: CheckoutDeps, attempt: Attempt, token: string): Promise<CheckoutAnswer> {
  const signal = AbortSignal.timeout(deps.paymentTimeoutMs ?? defaults.paymentTimeoutMs);
  const provider = providerNamed(deps.providers, attempt.provider);
  const result = await asked(deps, attempt, () => provider.authorise(attempt, token, signal));
  await deps.between?.("authorised");
  return settle(deps, attempt, result);
}

/** Whatever goes wrong in a call to the provider leaves its effect unknown: the lease is let go, so that it is asked soon. */
async function asked<T>(deps: CheckoutDeps, attempt: Attempt, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    await store.shortenLease(deps.sql, attempt, defaults.unansweredLeaseMs);
    if (!(error instanceof PaymentUnanswered)) deps.log.error({ err: error }, "payment provider failed");
    throw unanswered(attempt.traceparent);
  }
}

/** Brings an attempt to its end by what the provider says. Repeatable. @throws Problem 409 when nothing could be placed. */
export async function settle(
  deps: CheckoutDeps,
  attempt: Attempt,
  payment: PaymentResult,
): Promise<CheckoutAnswer> {
  const origin = { storeId: attempt.storeId, traceparent: attempt.traceparent };
  if (payment === "declined") {
    const declined = await store.decline(deps.sql, attempt, stockChanged(origin));
    await deps.between?.("settled");
    deps.bus?.poke();
    if (declined.outcome === "answered") return answerOf(declined);
    throw lapsed(attempt.traceparent);
  }
  if (payment !== "voided") {
    const { storeId, key, orderId } = attempt;
    const placed = await (deps.groups ?? alone(deps.sql)).place({ storeId, key, orderId });
    await deps.between?.(placed.outcome === "answered" ? "settled" : "lapsed");
    deps.bus?.poke();
    if (placed.outcome === "answered") return answerOf(placed);
  }
  throw await abandon(deps, attempt);
}

/** Undoes an attempt that came to nothing, and gives the problem that says so. A void that fails is left to the sweep. */
export async function abandon(deps: CheckoutDeps, attempt: Attempt): Promise<Problem> {
  const origin = { storeId: attempt.storeId, traceparent: attempt.traceparent };
  if (await store.abandon(deps.sql, attempt, stockChanged(origin))) {
    await deps.between?.("abandoned");
    deps.bus?.poke();
    await voidIntent(deps, attempt).catch(error =>
      deps.log.warn({ err: error, intentId: attempt.intentId }, "an authorisation could not be voided yet"),
    );
  }
  return lapsed(attempt.traceparent);
}
