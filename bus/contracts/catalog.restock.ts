import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/**
 * Brings the stock that lists show up to date. One job names all the products that one statement changed (a group of
 * checkouts, say), and jobs that wait together are one: a busy shop sells the same products again and again. The waits are
 * short because lists show stock that is two seconds old at most, a second of which is the cache's.
 */
export const catalogRestock = defineContract({
  kind: "catalog.restock",
  version: 1,
  schema: Type.Object(
    { productIds: Type.Array(id("prod"), { minItems: 1, maxItems: 500 }) },
    { additionalProperties: false },
  ),
  priority: "normal",
  maxTries: 10,
  backoff: { baseMs: 200, maxMs: 300_000 },
  timeoutMs: 60_000,
  cap: 2,
  concurrency: 1,
  prefetch: 400,
  batch: { max: 200, waitMs: 150, apartMs: 500 },
  // The first of them; the ledger finds such a job by each.
  key: payload => `product:${payload.productIds[0]}`,
});
