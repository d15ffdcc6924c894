import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/**
 * Brings a product's summary, and the lists that it is in, up to date. Coalesced by product within a batch; the short
 * wait keeps what lists show of stock under a second or two old.
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
  prefetch: 500,
  batch: { max: 500, waitMs: 100 },
  key: payload => `product:${payload.productId}`,
});
