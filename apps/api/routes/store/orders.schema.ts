/** The shape of an order, as OpenAPI shows it. */

import { t } from "elysia";
import { oneOf } from "../../http/one-of.ts";

const minor = t.Integer({ description: "minor units of the order's currency" });

export const orderView = t.Object({
  id: t.String({ description: "secret: who has it may see the order" }),
  number: t.String({ description: "for people; unique in the store, random" }),
  status: oneOf(["pending", "placed", "completed", "cancelled", "refused"]),
  paymentStatus: oneOf(["pending", "authorised", "captured", "declined", "voided", "refunded"]),
  fulfilmentStatus: oneOf(["unfulfilled", "partial", "fulfilled"]),
  email: t.Nullable(t.String()),
  shippingAddress: t.Nullable(t.Record(t.String(), t.String())),
  currency: t.String(),
  lines: t.Array(
    t.Object({
      variantId: t.String(),
      productId: t.String(),
      sku: t.Nullable(t.String()),
      title: t.String(),
      quantity: t.Integer(),
      unitMinor: minor,
      discountMinor: minor,
      totalMinor: minor,
    }),
  ),
  subtotalMinor: minor,
  discountMinor: minor,
  shippingMinor: minor,
  taxMinor: minor,
  totalMinor: minor,
  createdAt: t.String({ format: "date-time" }),
  placedAt: t.Nullable(t.String({ format: "date-time" })),
});
