import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** Tells the catalog that an asset's variants are ready (or gone), so that products show them. */
export const catalogAttachMedia = defineContract({
  kind: "catalog.attach_media",
  version: 1,
  schema: Type.Object({ assetId: id("asset") }, { additionalProperties: false }),
  priority: "normal",
  maxTries: 10,
  backoff: { baseMs: 500, maxMs: 300_000 },
  timeoutMs: 10_000,
  cap: 32,
  concurrency: 4,
  prefetch: 16,
  key: payload => `asset:${payload.assetId}`,
});
