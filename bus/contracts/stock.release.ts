import { Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** Gives the stock of a reservation back that expired or whose order was refused, exactly once. */
export const stockRelease = defineContract({
  kind: "stock.release",
  version: 1,
  schema: Type.Object({ reservationId: id("res") }, { additionalProperties: false }),
  priority: "high",
  maxTries: 12,
  backoff: { baseMs: 200, maxMs: 60_000 },
  timeoutMs: 10_000,
  cap: 512,
  concurrency: 128,
  prefetch: 256,
  key: payload => `reservation:${payload.reservationId}`,
});
