/**
 * Ends checkouts whose process died or whose payment got no answer. Keepers call it every few seconds; any number may run,
 * also beside the buyer's own retry (service.ts tells why that does no harm).
 *
 * An attempt whose lease ran out is taken over with a new lease, the provider is asked by our intent id, and T2 or the undo
 * follows. A provider that doesn't answer leaves the attempt for the next round. A crash here is the same as there.
 */
import { Problem } from "../../platform/errors.ts";
import { providerNamed, voidPending } from "../payments/index.ts";
import { takeByIntent } from "./flash/store.ts";
import { type Attempt, type CheckoutDeps, defaults } from "./model.ts";
import { abandon, settle } from "./service.ts";
import * as store from "./store.ts";

const BATCH = 50;
/** Longer than a process takes from abandoning to voiding, so that the sweep does what was left undone only. */
const VOID_AFTER_MS = 5_000;

export type Recovered = { settled: number; abandoned: number; voided: number };

export async function recoverCheckouts(
  deps: CheckoutDeps,
  options: { voidAfterMs?: number } = {},
): Promise<Recovered> {
  const recovered: Recovered = { settled: 0, abandoned: 0, voided: 0 };
  for (const attempt of await store.takeLost(deps.sql, BATCH, deps.leaseMs ?? defaults.leaseMs)) {
    try {
      recovered[await resolve(deps, attempt)]++;
    } catch (error) {
      deps.log.warn({ err: error, orderId: attempt.orderId }, "a lost checkout could not be resolved yet");
    }
  }
  recovered.voided = await voidPending(deps, options.voidAfterMs ?? VOID_AFTER_MS);
  await store.forgetOld(deps.sql, BATCH);
  return recovered;
}

/**
 * A provider told us something of this intent: the attempt that waits for word of it is settled by what the provider's
 * books say now. `waiting`: they say nothing yet. Harmless beside the buyer's own request and sweeps.
 */
export async function reconcilePayment(
  deps: CheckoutDeps,
  storeId: string,
  intentId: string,
): Promise<"settled" | "nothing to settle" | "waiting"> {
  const attempt = await takeByIntent(deps.sql, storeId, intentId, deps.leaseMs ?? defaults.leaseMs);
  if (!attempt) return "nothing to settle";
  const payment = await providerNamed(deps.providers, attempt.provider).lookup(attempt);
  if (payment === "unknown") return "waiting";
  await settle(deps, attempt, payment).catch(error => {
    // Its stock had lapsed: it was abandoned, and the authorisation is voided.
    if (!(error instanceof Problem)) throw error;
  });
  return "settled";
}

async function resolve(deps: CheckoutDeps, attempt: Attempt): Promise<"settled" | "abandoned"> {
  const payment = await providerNamed(deps.providers, attempt.provider).lookup(attempt);
  if (payment === "unknown") {
    await abandon(deps, attempt);
    return "abandoned";
  }
  try {
    await settle(deps, attempt, payment);
    return "settled";
  } catch (error) {
    if (error instanceof Problem) return "abandoned";
    throw error;
  }
}
