import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** Brings the search document of a product up to date, or removes it. Coalesced by product within a batch. */
export const searchIndex = defineContract({
  kind: "search.index",
  version: 1,
  schema: Type.Object({ productId: id("prod") }, { additionalProperties: false }),
  priority: "normal",
  needs: "search",
  maxTries: 10,
  backoff: { baseMs: 500, maxMs: 600_000 },
  timeoutMs: 60_000,
  cap: 2,
  concurrency: 1,
  prefetch: 1_000,
  batch: { max: 1_000, waitMs: 150 },
  key: payload => `product:${payload.productId}`,
});
