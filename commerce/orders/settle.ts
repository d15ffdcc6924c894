/** The second half of actions.ts: the provider is asked, and its answer settles the action. */
import { findIntent, providerNamed } from "../payments/index.ts";
import type { ActionDeps } from "./actions.ts";
import * as store from "./store.actions.ts";

const BATCH = 50;
/** Longer than a process takes from begin to settle, so that the sweep does what was left undone only. */
const AFTER_MS = 5_000;

/**
 * Brings a requested action to its end; one that is settled is left alone. Repeatable, also by two at once.
 * @throws what the provider throws; then it stays requested.
 */
export async function finishAction(deps: ActionDeps, storeId: string, id: string): Promise<void> {
  const action = await store.selectAction(deps.sql, storeId, id);
  if (action?.status !== "requested") return;
  const { orderId, kind, amountMinor, intentId, traceparent } = action;
  const intent = (await findIntent(deps.sql, { storeId, intentId }))!;
  const provider = providerNamed(deps.providers, intent.provider);
  let isPaid = intent.status === "captured";
  if (intent.status === "capturing") {
    const state = await provider.capture({ storeId, intentId });
    await deps.between?.("captured");
    await store.settleCapture(deps.sql, storeId, orderId, state);
    isPaid = state === "captured";
  }
  let error = isPaid ? null : "the payment could not be captured";
  if (isPaid && amountMinor > 0) {
    const { currency } = intent;
    const result = await provider.refund({ storeId, intentId, refundId: id, amountMinor, currency });
    await deps.between?.("refunded");
    if (result === "refused") error = "the payment provider refused the refund";
  }
  await store.settle(deps.sql, storeId, id, error, store.rowsOf({ storeId, traceparent }, kind, id));
}

/** Finishes actions whose process died or whose provider did not answer; returns how many. For keepers; any number may run. */
export async function recoverActions(deps: ActionDeps, options: { afterMs?: number } = {}): Promise<number> {
  let finished = 0;
  for (const { storeId, id } of await store.takeOpen(deps.sql, BATCH, options.afterMs ?? AFTER_MS)) {
    try {
      await finishAction(deps, storeId, id);
      finished++;
    } catch (error) {
      deps.log.warn({ err: error, actionId: id }, "an action on an order could not be finished yet");
    }
  }
  if (finished > 0) deps.bus?.poke();
  return finished;
}
