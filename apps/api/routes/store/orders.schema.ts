/** The shape of an order, as OpenAPI shows it. */

import { t } from "elysia";
import { fulfilmentStatuses, orderStatuses, paymentStatuses } from "../../../../commerce/orders/index.ts";
import { oneOf } from "../../http/one-of.ts";

const minor = t.Integer({ description: "minor units of the order's currency" });

const time = t.String({ format: "date-time" });
const actionStatus = oneOf(["requested", "done", "failed"], {
  description: "requested: decided, and the payment provider has not confirmed yet",
});

/** Why an order of a queue was refused: its code, and what goes with it. */
export const refusalView = t.Object(
  {
    code: t.String({ description: "`out_of_stock`, `price_changed`, `cart_busy`, …" }),
    detail: t.String(),
    lines: t.Optional(
      t.Array(t.Object({ variantId: t.String(), requested: t.Integer(), available: t.Integer() })),
    ),
    shownTotalMinor: t.Optional(t.Integer()),
    totalMinor: t.Optional(t.Integer()),
    currency: t.Optional(t.String()),
    orderId: t.Optional(t.String()),
  },
  { description: "of an order that waited in a queue" },
);

export const orderView = t.Object({
  refusal: t.Optional(refusalView),
  id: t.String({ description: "secret: who has it may see the order" }),
  number: t.String({ description: "for people; unique in the store, random" }),
  status: oneOf(orderStatuses),
  paymentStatus: oneOf(paymentStatuses),
  fulfilmentStatus: oneOf(fulfilmentStatuses),
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
      fulfilledQuantity: t.Integer({ description: "sent, or about to be" }),
      refundedQuantity: t.Integer(),
    }),
  ),
  subtotalMinor: minor,
  discountMinor: minor,
  shippingMinor: minor,
  taxIncluded: t.Boolean({ description: "prices contain the tax: it is told, but not added" }),
  taxMinor: minor,
  totalMinor: minor,
  refundedMinor: t.Integer({ description: "what went back, or is about to" }),
  fulfilments: t.Array(
    t.Object({
      id: t.String(),
      status: actionStatus,
      carrier: t.Nullable(t.String()),
      trackingNumber: t.Nullable(t.String()),
      lines: t.Array(t.Object({ variantId: t.String(), quantity: t.Integer() })),
      createdAt: time,
    }),
  ),
  refunds: t.Array(
    t.Object({
      id: t.String(),
      status: actionStatus,
      amountMinor: t.Integer({
        description: "goods + shipping + tax where it is not contained + adjustment",
      }),
      goodsMinor: minor,
      shippingMinor: minor,
      taxMinor: minor,
      adjustmentMinor: minor,
      lines: t.Array(
        t.Object({
          variantId: t.String(),
          quantity: t.Integer(),
          amountMinor: minor,
          taxMinor: minor,
          restock: t.Boolean(),
        }),
      ),
      createdAt: time,
    }),
  ),
  createdAt: time,
  placedAt: t.Nullable(time),
  cancelledAt: t.Nullable(time),
});
