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
  shippingMethod: t.Nullable(t.Object({ id: t.String(), name: t.String() })),
  note: t.Nullable(t.String()),
  currency: t.String(),
  lines: t.Array(
    t.Object({
      variantId: t.String(),
      productId: t.String(),
      sku: t.Nullable(t.String()),
      title: t.String(),
      quantity: t.Integer(),
      unitMinor: minor,
      source: t.String({ description: "the rule that gave the price: base, sale:<list>, override:<list>" }),
      discountMinor: minor,
      totalMinor: minor,
      taxRatePpm: t.Integer({ description: "parts per million of the net amount: 190000 is 19 %" }),
      taxMinor: minor,
    }),
  ),
  subtotalMinor: minor,
  discountMinor: minor,
  shippingMinor: minor,
  taxIncluded: t.Boolean({ description: "prices contain the tax: it is told, but not added" }),
  taxMinor: minor,
  totalMinor: minor,
  createdAt: t.String({ format: "date-time" }),
  placedAt: t.Nullable(t.String({ format: "date-time" })),
});
