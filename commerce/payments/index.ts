/**
 * Payments through providers. Owns `payments.intent`, `payments.refund`, and `payments.test_charge` and `test_refund` (the
 * books of the provider `test`, which plays a company outside). Publishes `payments.intend_orders`, `authorise_orders` and `move` for
 * checkout's transactions, `promise_capture`, `promise_refund` and `settle_refund` for those of orders.
 *
 * Always holds: an intent or a refund is committed before the provider hears of it, and its id is the one by which the
 * provider is asked afterwards; a provider takes each of them at most once; refunds promised and made are never more than
 * what was paid; no provider is called inside a transaction. An intent whose status is `voiding` is voided at the
 * provider sooner or later, whichever process dies.
 */

export { type ProviderEvent, readStripeEvent, receive } from "./events.ts";
export {
  type Intent,
  type PaymentProvider,
  type PaymentResult,
  type PaymentState,
  PaymentUnanswered,
  type Providers,
  type Refund,
  type RefundResult,
} from "./provider.ts";
// The one of Stripe is loaded with its SDK, for the first payment that wants it (service.ts): nothing here may import it.
export { testProvider } from "./providers/test.ts";
export { openProviders, providerNamed, voidIntent, voidPending } from "./service.ts";
export { type IntentFacts, selectIntent as findIntent } from "./store.ts";
