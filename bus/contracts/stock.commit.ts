import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/**
 * Turns the reservations of placed orders into sales: `on_hand` and `reserved` fall together, exactly once. One job for all
 * orders that were placed by one statement: a job for each cost as much as its work.
 */
export const stockCommit = defineContract({
  kind: "stock.commit",
  version: 2,
  upcasts: { 1: ({ orderId }: { orderId: string }) => ({ orderIds: [orderId] }) },
  schema: Type.Object(
    { orderIds: Type.Array(id("ord"), { minItems: 1, maxItems: 500 }) },
    { additionalProperties: false },
  ),
  priority: "high",
  maxTries: 12,
  backoff: { baseMs: 200, maxMs: 60_000 },
  timeoutMs: 10_000,
  cap: 512,
  concurrency: 128,
  prefetch: 256,
  // The first of them; the ledger finds such a job by each.
  key: payload => `order:${payload.orderIds[0]}`,
});
