import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** Forgets a person in orders, carts, mails and what jobs have kept; checkpointed, so that another try goes on. */
export const customerErase = defineContract({
  kind: "customer.erase",
  version: 1,
  schema: Type.Object({ erasureId: id("era") }, { additionalProperties: false }),
  priority: "low",
  maxTries: 10,
  backoff: { baseMs: 2_000, maxMs: 3_600_000 },
  timeoutMs: 3_600_000,
  cap: 2,
  concurrency: 1,
  prefetch: 1,
  // That it was done must be shown to who asks, long after.
  keepDays: { done: 365, dead: 365 },
  key: payload => `erasure:${payload.erasureId}`,
});
