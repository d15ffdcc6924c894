/**
 * Payments through providers. Owns `payments.intent`, and `payments.test_charge` (the books of the provider `test`, which
 * plays a company outside). Publishes `payments.intend` and `payments.move` for checkout's transactions.
 *
 * Always holds: an intent is committed before the provider hears of it, and its id is the one by which the provider is
 * asked afterwards; a provider takes each intent at most once; no provider is called inside a transaction. An intent
 * whose status is `voiding` is voided at the provider sooner or later, whichever process dies.
 */

export {
  type Intent,
  type PaymentProvider,
  type PaymentResult,
  type PaymentState,
  PaymentUnanswered,
  type Providers,
} from "./provider.ts";
export { testProvider } from "./providers/test.ts";
export { openProviders, providerNamed, voidIntent, voidPending } from "./service.ts";
