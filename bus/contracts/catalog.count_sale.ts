import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/**
 * Counts what orders sold towards the popularity of their products, once per order. Nobody waits for it. One job counts all
 * orders that were placed by one statement.
 */
export const catalogCountSale = defineContract({
  kind: "catalog.count_sale",
  version: 2,
  upcasts: { 1: ({ orderId }: { orderId: string }) => ({ orderIds: [orderId] }) },
  schema: Type.Object(
    { orderIds: Type.Array(id("ord"), { minItems: 1, maxItems: 500 }) },
    { additionalProperties: false },
  ),
  priority: "normal",
  maxTries: 10,
  backoff: { baseMs: 1_000, maxMs: 600_000 },
  timeoutMs: 60_000,
  cap: 1,
  concurrency: 1,
  prefetch: 200,
  batch: { max: 200, waitMs: 150, apartMs: 2_000 },
  key: payload => `order:${payload.orderIds[0]}`,
});
