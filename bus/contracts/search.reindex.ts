import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** Makes a store's search index anew beside the one that answers; checkpointed, so that another try goes on there. */
export const searchReindex = defineContract({
  kind: "search.reindex",
  version: 1,
  schema: Type.Object({ buildId: id("build") }, { additionalProperties: false }),
  priority: "low",
  needs: "search",
  maxTries: 10,
  backoff: { baseMs: 2_000, maxMs: 300_000 },
  timeoutMs: 3_600_000,
  cap: 2,
  concurrency: 1,
  prefetch: 1,
  key: payload => `build:${payload.buildId}`,
});
