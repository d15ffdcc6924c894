import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** Makes all summaries of a store anew; checkpointed, so that another try goes on where the last stopped. */
export const catalogRebuild = defineContract({
  kind: "catalog.rebuild",
  version: 1,
  schema: Type.Object({ buildId: id("build") }, { additionalProperties: false }),
  priority: "low",
  maxTries: 5,
  backoff: { baseMs: 2_000, maxMs: 300_000 },
  timeoutMs: 3_600_000,
  cap: 2,
  concurrency: 1,
  prefetch: 1,
  key: payload => `build:${payload.buildId}`,
});
