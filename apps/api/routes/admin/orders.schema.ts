/** The shapes of what merchants do with orders. */
import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { fulfilmentStatuses, orderStatuses, paymentStatuses } from "../../../../commerce/orders/index.ts";
import { oneOf } from "../../http/one-of.ts";
import { email, line, quantity, reference } from "../store/carts.schema.ts";

const closed = { additionalProperties: false };
const MAX_LINES = 200;
const MAX_MINOR = 1_000_000_000_000_000;

const reason = t.Optional(line(1, 255));

export const orderQuery = t.Object(
  {
    limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
    cursor: t.Optional(t.String({ minLength: 1, maxLength: 128 })),
    status: t.Optional(oneOf(orderStatuses)),
    paymentStatus: t.Optional(oneOf(paymentStatuses)),
    fulfilmentStatus: t.Optional(oneOf(fulfilmentStatuses)),
    email: t.Optional(email),
    number: t.Optional(t.String({ pattern: "^[0-9A-Z]{1,32}$" })),
    from: t.Optional(t.String({ format: "date-time", maxLength: 40, description: "made at or after" })),
    until: t.Optional(t.String({ format: "date-time", maxLength: 40, description: "made before" })),
  },
  closed,
);

export const cancelBody = t.Optional(t.Object({ reason }, closed));

export const refundBody = t.Optional(
  t.Object(
    {
      lines: t.Optional(
        t.Array(t.Object({ variantId: reference, quantity, restock: t.Optional(Type.Boolean()) }, closed), {
          minItems: 1,
          maxItems: MAX_LINES,
        }),
      ),
      shipping: t.Optional(Type.Boolean({ description: "the shipping costs too, once" })),
      amountMinor: t.Optional(
        Type.Integer({
          minimum: 1,
          maximum: MAX_MINOR,
          description: "a free amount, instead of lines and shipping",
        }),
      ),
      restock: t.Optional(
        Type.Boolean({ description: "of a refund of all that is left: the units go back to stock" }),
      ),
      reason,
    },
    closed,
  ),
);

export const fulfilmentBody = t.Optional(
  t.Object(
    {
      lines: t.Optional(
        t.Array(t.Object({ variantId: reference, quantity }, closed), { minItems: 1, maxItems: MAX_LINES }),
      ),
      carrier: t.Optional(line(1, 64)),
      trackingNumber: t.Optional(line(1, 128)),
    },
    closed,
  ),
);

export const timelineQuery = t.Object(
  {
    limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
    cursor: t.Optional(t.String({ minLength: 1, maxLength: 64 })),
  },
  closed,
);

export const timelineView = t.Object({
  items: t.Array(
    t.Object({
      id: t.String(),
      type: t.String({ description: "order.placed, order.cancelled, payment.captured, refund.done …" }),
      data: t.Record(t.String(), t.Any()),
      author: t.Nullable(t.String({ description: "the key that was used; null: the shop itself" })),
      at: t.String({ format: "date-time" }),
    }),
  ),
  nextCursor: t.Nullable(t.String()),
});
