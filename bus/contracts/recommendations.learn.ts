import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** Counts what orders have in common, once per order. Caused by the job that counts what they sold, for its whole batch. */
export const recommendationsLearn = defineContract({
  kind: "recommendations.learn",
  version: 1,
  schema: Type.Object(
    { orderIds: Type.Array(id("ord"), { minItems: 1, maxItems: 1_000 }) },
    { additionalProperties: false },
  ),
  priority: "low",
  maxTries: 10,
  backoff: { baseMs: 1_000, maxMs: 600_000 },
  timeoutMs: 120_000,
  cap: 1,
  concurrency: 1,
  prefetch: 1,
  key: payload => `order:${payload.orderIds[0]}`,
});
