import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** Finds the pictures that lack a size, or have one that is declared no longer; checkpointed by pages. */
export const imageBackfill = defineContract({
  kind: "image.backfill",
  version: 1,
  schema: Type.Object({ backfillId: id("backfill") }, { additionalProperties: false }),
  priority: "low",
  maxTries: 5,
  backoff: { baseMs: 2_000, maxMs: 300_000 },
  timeoutMs: 3_600_000,
  cap: 2,
  concurrency: 1,
  prefetch: 1,
  key: payload => `backfill:${payload.backfillId}`,
});
