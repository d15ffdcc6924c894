import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/**
 * Authorises the payments of orders that got their stock from a queue (flash mode) and places them. Some twenty a job: a
 * sale gives out stock to tens of thousands a second, and a job for each would cost as much as that does.
 */
export const checkoutPay = defineContract({
  kind: "checkout.pay",
  version: 2,
  upcasts: { 1: ({ orderId }: { orderId: string }) => ({ orderIds: [orderId] }) },
  schema: Type.Object(
    { orderIds: Type.Array(id("ord"), { minItems: 1, maxItems: 100 }) },
    { additionalProperties: false },
  ),
  priority: "high",
  needs: "payments",
  maxTries: 20,
  backoff: { baseMs: 500, maxMs: 15_000 },
  timeoutMs: 15_000,
  cap: 64,
  concurrency: 8,
  prefetch: 16,
  // Disputes about money come late.
  keepDays: { done: 30, dead: 180 },
  key: payload => `order:${payload.orderIds[0]}`,
});
