import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** Counts what an order sold towards the popularity of its products, once per order. Nobody waits for it. */
export const catalogCountSale = defineContract({
  kind: "catalog.count_sale",
  version: 1,
  schema: Type.Object({ orderId: id("ord") }, { additionalProperties: false }),
  priority: "normal",
  maxTries: 10,
  backoff: { baseMs: 1_000, maxMs: 600_000 },
  timeoutMs: 60_000,
  cap: 1,
  concurrency: 1,
  prefetch: 1_000,
  batch: { max: 1_000, waitMs: 500 },
  key: payload => `order:${payload.orderId}`,
});
