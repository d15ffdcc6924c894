import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** Reads an uploaded product file into the catalog; checkpointed, so that another try goes on where the last stopped. */
export const catalogImport = defineContract({
  kind: "catalog.import",
  version: 1,
  schema: Type.Object({ importId: id("imp") }, { additionalProperties: false }),
  priority: "low",
  needs: "storage",
  maxTries: 5,
  backoff: { baseMs: 2_000, maxMs: 300_000 },
  timeoutMs: 3_600_000,
  cap: 2,
  concurrency: 1,
  prefetch: 1,
  // What a file did to a catalog is asked about when the next one comes.
  keepDays: { done: 30, dead: 180 },
  key: payload => `import:${payload.importId}`,
});
