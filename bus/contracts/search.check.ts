import { Type } from "@sinclair/typebox";
import { defineContract } from "./contract.ts";

/** Compares what search holds with what shops have, by sampled checksums, and repairs it; store by store. */
export const searchCheck = defineContract({
  kind: "search.check",
  version: 1,
  schema: Type.Object({}, { additionalProperties: false }),
  priority: "low",
  needs: "search",
  maxTries: 5,
  backoff: { baseMs: 60_000, maxMs: 3_600_000 },
  timeoutMs: 3_600_000,
  cap: 1,
  concurrency: 1,
  prefetch: 1,
  key: () => "search.check",
});
