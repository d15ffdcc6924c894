import { Type } from "@sinclair/typebox";
import { defineContract } from "./contract.ts";

/** Brings a store's synonyms, stop words and languages to the engine, as they are when it runs. */
export const searchSettings = defineContract({
  kind: "search.settings",
  version: 1,
  schema: Type.Object({}, { additionalProperties: false }),
  priority: "normal",
  needs: "search",
  maxTries: 10,
  backoff: { baseMs: 1_000, maxMs: 300_000 },
  timeoutMs: 600_000,
  cap: 2,
  concurrency: 1,
  prefetch: 1,
  key: () => "search.settings",
});
