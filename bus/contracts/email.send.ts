import { Type } from "@sinclair/typebox";
import { defineContract } from "./contract.ts";

/**
 * Sends one mail over SMTP. The recipient and the text are read from the subject when the job runs, so that no address
 * lies in a queue. `eventId` names the occasion: one mail per (eventId, template, recipient).
 */
export const emailSend = defineContract({
  kind: "email.send",
  version: 1,
  schema: Type.Object(
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
  ),
  priority: "normal",
  needs: "smtp",
  maxTries: 10,
  backoff: { baseMs: 1_000, maxMs: 3_600_000 },
  timeoutMs: 30_000,
  cap: 512,
  concurrency: 64,
  prefetch: 256,
  key: ({ template, subjectId }) => {
    const isOrder = template === "order_confirmation" || template === "order_cancelled";
    return `${isOrder ? "order" : template}:${subjectId}`;
  },
});
