import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/**
 * Makes the sizes and formats of an uploaded picture. The decoder runs in a process of its own, under a deadline of its own
 * that doesn't count how long a busy machine keeps it waiting; the time-out bounds that.
 */
export const imageConvert = defineContract({
  kind: "image.convert",
  version: 1,
  schema: Type.Object({ assetId: id("asset") }, { additionalProperties: false }),
  priority: "low",
  needs: "storage",
  maxTries: 3,
  backoff: { baseMs: 2_000, maxMs: 60_000 },
  timeoutMs: 300_000,
  cap: 64,
  concurrency: 2,
  prefetch: 2,
  perMachine: "cores",
  key: payload => `asset:${payload.assetId}`,
});
