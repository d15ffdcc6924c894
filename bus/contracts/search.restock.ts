import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** Brings the stock in the search documents of these products up to date; nothing else of them is looked at. */
export const searchRestock = defineContract({
  kind: "search.restock",
  version: 1,
  schema: Type.Object(
    { productIds: Type.Array(id("prod"), { minItems: 1, maxItems: 500 }) },
    { additionalProperties: false },
  ),
  priority: "normal",
  needs: "search",
  maxTries: 10,
  backoff: { baseMs: 500, maxMs: 600_000 },
  timeoutMs: 60_000,
  cap: 2,
  concurrency: 1,
  prefetch: 100,
  // Half as often as lists' stock is written, which causes it: documents are larger, and their indexes too.
  batch: { max: 50, waitMs: 50, apartMs: 1_000 },
  key: payload => `product:${payload.productIds[0]}`,
});
