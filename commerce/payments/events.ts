/**
 * What providers tell us by themselves. An event is kept by its id and makes one job; the job asks the provider how things
 * stand, so neither the order nor the content of events is relied on.
 */
import type Stripe from "stripe";
import { type OutboxRow, outboxRows } from "../../bus/index.ts";
import { invalid, Problem } from "../../platform/errors.ts";
import { isId } from "../../platform/ids.ts";
import type { Db } from "../../platform/postgres/index.ts";
import { receiveEvent } from "./store.ts";

export type ProviderEvent = {
  provider: string;
  id: string;
  type: string;
  storeId: string;
  intentId: string;
};

/** How old a signature may be, as Stripe recommends. */
const TOLERANCE_S = 300;

/**
 * The event of a signed request; null for one that is about no payment of ours.
 * @throws Problem 400 `signature_invalid`; 422 for what Stripe would not send.
 */
export async function readStripeEvent(
  body: Uint8Array,
  signature: string,
  secret: string,
): Promise<ProviderEvent | null> {
  const { default: sdk } = await import("stripe");
  const crypto = sdk.createSubtleCryptoProvider();
  let event: Stripe.Event;
  try {
    event = await sdk.webhooks.constructEventAsync(Buffer.from(body), signature, secret, TOLERANCE_S, crypto);
  } catch {
    throw new Problem(400, "signature_invalid", "The signature does not fit the body, or is too old.");
  }
  if (typeof event.id !== "string" || event.id.length > 255 || typeof event.type !== "string") {
    throw invalid([{ path: "id", message: "is not an event's" }]);
  }
  const object = event.data?.object as { metadata?: Record<string, string> | null } | undefined;
  const intentId = object?.metadata?.tradewind_intent ?? "";
  const storeId = object?.metadata?.tradewind_store ?? "";
  if (!isId("pay", intentId) || !isId("store", storeId)) return null;
  return { provider: "stripe", id: event.id, type: event.type.slice(0, 255), storeId, intentId };
}

/** Keeps the event and enqueues its job in one transaction; false when it had come before. */
export function receive(sql: Db, event: ProviderEvent, traceparent: string): Promise<boolean> {
  const { storeId, intentId } = event;
  const rows: OutboxRow[] = outboxRows({ storeId, traceparent }, [{ type: "payment.heard", intentId }]);
  return receiveEvent(sql, event, rows);
}
