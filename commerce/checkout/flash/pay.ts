/**
 * The payment of an order that got its stock from a queue. The job `checkout.pay` runs it: at least once, maybe twice at
 * the same time, which does no harm for the reasons that service.ts gives.
 */
import { PaymentUnanswered, providerNamed } from "../../payments/index.ts";
import { type CheckoutDeps, defaults } from "../model.ts";
import { settle } from "../service.ts";
import * as store from "./store.ts";

export type Paid = "settled" | "nothing to pay" | "unanswered";

export async function payAllocated(deps: CheckoutDeps, storeId: string, orderId: string): Promise<Paid> {
  const leaseMs = deps.leaseMs ?? defaults.leaseMs;
  const attempt = await store.takeToPay(deps.sql, storeId, orderId, leaseMs);
  if (!attempt || attempt.payWith === null) return "nothing to pay";
  const provider = providerNamed(deps.providers, attempt.provider);
  try {
    const signal = AbortSignal.timeout(deps.paymentTimeoutMs ?? defaults.paymentTimeoutMs);
    // Authorising is idempotent by intent: a run that died in between is found by the provider itself.
    const result = await provider.authorise(attempt, attempt.payWith, signal);
    await deps.between?.("authorised");
    await settle(deps, attempt, result);
  } catch (error) {
    if (error instanceof PaymentUnanswered) return "unanswered";
    // Refused by now: declined and lapsed checkouts are settled too.
    if ((error as { code?: string }).code === "checkout_lapsed") return "settled";
    throw error;
  }
  return "settled";
}
