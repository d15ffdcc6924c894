import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** A payment provider told us something of an intent: what waits for its answer is settled. */
export const paymentReconcile = defineContract({
  kind: "payment.reconcile",
  version: 1,
  schema: Type.Object({ intentId: id("pay") }, { additionalProperties: false }),
  priority: "high",
  needs: "payments",
  maxTries: 12,
  backoff: { baseMs: 500, maxMs: 60_000 },
  timeoutMs: 20_000,
  cap: 32,
  concurrency: 8,
  prefetch: 8,
  // Disputes about money come late.
  keepDays: { done: 30, dead: 180 },
  key: payload => `intent:${payload.intentId}`,
});
