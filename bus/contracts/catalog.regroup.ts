import { Type } from "@sinclair/typebox";
import { defineContract } from "./contract.ts";

/**
 * Finds the products that a changed category or collection concerns, and has them summarised anew. It reads all of them as
 * they are when it runs, so of several edits in a row the first one's job does for all.
 */
export const catalogRegroup = defineContract({
  kind: "catalog.regroup",
  version: 1,
  schema: Type.Object(
    { groupId: Type.String({ pattern: "^(?:cat|col)_[0-9a-z]{8,48}$", description: "id, cat_… or col_…" }) },
    { additionalProperties: false },
  ),
  priority: "normal",
  maxTries: 10,
  backoff: { baseMs: 500, maxMs: 300_000 },
  timeoutMs: 600_000,
  cap: 4,
  concurrency: 1,
  prefetch: 1,
  unique: { mode: "drop" },
  key: payload => `group:${payload.groupId}`,
});
