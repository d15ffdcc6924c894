import { Type } from "@sinclair/typebox";
import { defineContract } from "./contract.ts";

/** Removes what nobody needs any more; scheduled (schedules.ts), so that it is seen, paused and run by hand. */
export const maintenanceTidy = defineContract({
  kind: "maintenance.tidy",
  version: 1,
  schema: Type.Object(
    {
      task: Type.Union([
        Type.Literal("counted_orders"),
        Type.Literal("learned_orders"),
        Type.Literal("ticks"),
      ]),
    },
    { additionalProperties: false },
  ),
  priority: "low",
  maxTries: 5,
  backoff: { baseMs: 60_000, maxMs: 3_600_000 },
  timeoutMs: 600_000,
  cap: 2,
  concurrency: 1,
  prefetch: 1,
  key: payload => `tidy:${payload.task}`,
});
