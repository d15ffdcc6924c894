import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** Turns the reservation of a placed order into a sale: `on_hand` and `reserved` fall together, exactly once. */
export const stockCommit = defineContract({
  kind: "stock.commit",
  version: 1,
  schema: Type.Object({ orderId: id("ord") }, { additionalProperties: false }),
  priority: "high",
  maxTries: 12,
  backoff: { baseMs: 200, maxMs: 60_000 },
  timeoutMs: 10_000,
  cap: 512,
  concurrency: 128,
  prefetch: 256,
  key: payload => `order:${payload.orderId}`,
});
