import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/**
 * Brings a product's summary, and the lists that it is in, up to date. Each order causes some: a batch is large because
 * its jobs are coalesced by product (a busy shop sells the same products again and again), and its wait is short because
 * lists show stock that is two seconds old at most.
 */
export const catalogSummarise = defineContract({
  kind: "catalog.summarise",
  version: 1,
  schema: Type.Object({ productId: id("prod") }, { additionalProperties: false }),
  priority: "normal",
  maxTries: 10,
  backoff: { baseMs: 200, maxMs: 300_000 },
  timeoutMs: 60_000,
  cap: 2,
  concurrency: 1,
  prefetch: 4_000,
  batch: { max: 4_000, waitMs: 100 },
  key: payload => `product:${payload.productId}`,
});
