import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** Authorises the payment of an order that got its stock from a queue (flash mode) and places it. */
export const checkoutPay = defineContract({
  kind: "checkout.pay",
  version: 1,
  schema: Type.Object({ orderId: id("ord") }, { additionalProperties: false }),
  priority: "high",
  needs: "payments",
  maxTries: 20,
  backoff: { baseMs: 500, maxMs: 15_000 },
  timeoutMs: 15_000,
  cap: 512,
  concurrency: 128,
  prefetch: 256,
  // Disputes about money come late.
  keepDays: { done: 30, dead: 180 },
  key: payload => `order:${payload.orderId}`,
});
