/** A company that takes money. Implementations live in `providers/`; `provider.contract.ts` is run against each. */

export type Intent = {
  storeId: string;
  /** Our id; the provider knows the payment by it. */
  intentId: string;
  amountMinor: number;
  currency: string;
};

/** What the provider's books say. `unknown`: it has never heard of the intent. */
export type PaymentState = "unknown" | "authorised" | "captured" | "declined" | "voided";

/** What became of an authorisation. `voided`: the intent was voided before, so nothing is authorised. */
export type PaymentResult = Exclude<PaymentState, "unknown">;

type Known = Pick<Intent, "storeId" | "intentId">;

export type Refund = Intent & {
  /** Our id; the provider makes one refund of it. `amountMinor` is what goes back. */
  refundId: string;
};

/** `refused`: the provider will never do it (not captured, more than is left). Final for this refund id. */
export type RefundResult = "refunded" | "refused";

/**
 * Every call may be repeated, from any process, and any of them may throw {@link PaymentUnanswered}: then it may have
 * taken effect or not, and `lookup` tells.
 */
export type PaymentProvider = {
  readonly name: string;
  /** Idempotent by intent: a second call gives what the first one came to, whatever its token. */
  authorise(intent: Intent, token: string, signal: AbortSignal): Promise<PaymentResult>;
  /** Takes the money of an authorised intent, all of it. Idempotent by intent. */
  capture(intent: Known): Promise<PaymentResult>;
  /** Gives money of a captured intent back. Idempotent by refund id: a second call gives what the first one came to. */
  refund(refund: Refund): Promise<RefundResult>;
  /** When it resolves, no authorisation of this intent stands, and none can come to stand later. */
  void(intent: Known): Promise<PaymentState>;
  lookup(intent: Known): Promise<PaymentState>;
};

export type Providers = Readonly<Record<string, PaymentProvider>>;

/** No answer came. Says nothing about what the provider did. */
export class PaymentUnanswered extends Error {
  override name = "PaymentUnanswered";
  constructor(readonly provider: string) {
    super(`payment provider ${provider} did not answer`);
  }
}
