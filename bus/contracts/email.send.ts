import { type Static, Type } from "@sinclair/typebox";
import { defineContract, id } from "./contract.ts";

/** One mail. `eventId` names the occasion: one mail per (eventId, template, recipient). */
const one = Type.Object(
  {
    template: Type.Union([
      Type.Literal("order_confirmation"),
      Type.Literal("order_cancelled"),
      Type.Literal("order_refunded"),
      Type.Literal("order_shipped"),
      Type.Literal("low_stock"),
      Type.Literal("password_reset"),
    ]),
    subjectId: Type.String({ pattern: "^[0-9a-z_]{1,64}$" }),
    eventId: Type.String({ pattern: "^[0-9A-Za-z_.:-]{1,128}$" }),
  },
  { additionalProperties: false },
);

/** The confirmations of all orders that were placed by one statement: a job for each cost as much as its mail. */
const confirmations = Type.Object(
  {
    template: Type.Literal("order_confirmation"),
    orderIds: Type.Array(id("ord"), { minItems: 1, maxItems: 500 }),
  },
  { additionalProperties: false },
);

/**
 * Sends mails over SMTP. Recipients and texts are read from the subjects when the job runs, so that no address lies in a
 * queue.
 */
export const emailSend = defineContract({
  kind: "email.send",
  version: 2,
  // A worker of before knows nothing of confirmations by the list; what it wrote is what `one` is.
  upcasts: { 1: (mail: Static<typeof one>) => mail },
  schema: Type.Union([one, confirmations]),
  priority: "normal",
  needs: "smtp",
  maxTries: 10,
  backoff: { baseMs: 1_000, maxMs: 3_600_000 },
  // What has a list as long as it may be, and a server that takes ten a second, needs it.
  timeoutMs: 60_000,
  cap: 512,
  concurrency: 32,
  prefetch: 256,
  // The first of a list; the ledger finds such a job by each.
  key(payload) {
    if ("orderIds" in payload) return `order:${payload.orderIds[0]}`;
    const { template, subjectId } = payload;
    const isOrder = template === "order_confirmation" || template === "order_cancelled";
    return `${isOrder ? "order" : template}:${subjectId}`;
  },
});
