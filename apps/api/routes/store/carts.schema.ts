/** The shapes of carts: what comes in is checked by them, what goes out is described by them. */

import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { limits } from "../../../../commerce/carts/index.ts";
import { oneOf } from "../../http/one-of.ts";

/** One line of text: no control characters (Postgres can't hold U+0000, and headers no line breaks). */
export const line = (min: number, max: number) =>
  t.String({ minLength: min, maxLength: max, pattern: "^[^\\u0000-\\u001f\\u007f]*$" });

export const reference = t.String({ minLength: 1, maxLength: 64, pattern: "^[0-9A-Za-z_-]+$" });

export const email = t.String({
  maxLength: 254,
  pattern:
    '^[^\\s\\u0000-\\u001f\\u007f@<>()\\[\\],;:\\\\"]{1,64}@[^\\s\\u0000-\\u001f\\u007f@<>()\\[\\],;:\\\\"]+$',
  description: "a single address",
});

/** Some lines of text. */
const note = t.String({
  maxLength: 1_000,
  pattern: "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]*$",
});

const address = t.Object(
  {
    name: line(1, 255),
    line1: line(1, 255),
    line2: t.Optional(line(0, 255)),
    city: line(1, 255),
    postalCode: line(1, 32),
    region: t.Optional(line(0, 64)),
    country: t.String({ pattern: "^[A-Z]{2}$", description: "ISO 3166-1 alpha-2" }),
  },
  { additionalProperties: false },
);

const change = {
  email: t.Optional(t.Nullable(email)),
  shippingAddress: t.Optional(t.Nullable(address)),
  shippingMethod: t.Optional(t.Nullable(line(1, 64))),
  couponCodes: t.Optional(t.Array(line(1, 64), { maxItems: 20 })),
  note: t.Optional(t.Nullable(note)),
};

export const cartChange = t.Object(change, { additionalProperties: false });

export const newCart = t.Optional(
  t.Object(
    {
      ...change,
      currency: t.Optional(
        t.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217; default: the store's" }),
      ),
    },
    { additionalProperties: false },
  ),
);

/** TypeBox's own: Elysia's `t.Integer` would take a number in quotes. */
export const quantity = Type.Integer({ minimum: 1, maximum: limits.quantity });

export const newLine = t.Object({ variantId: reference, quantity }, { additionalProperties: false });

const minor = t.Integer({ description: "minor units of the cart's currency" });

export const cartView = t.Object({
  id: t.String({ description: "secret: who has it may change the cart" }),
  status: oneOf(["open", "checking_out", "completed"]),
  version: t.Integer(),
  currency: t.String(),
  customerId: t.Nullable(t.String({ description: "null: a guest's" })),
  email: t.Nullable(t.String()),
  shippingAddress: t.Nullable(address),
  shippingMethod: t.Nullable(t.String()),
  couponCodes: t.Array(t.String()),
  note: t.Nullable(t.String()),
  lines: t.Array(
    t.Object({
      id: t.String(),
      variantId: t.String(),
      productId: t.Nullable(t.String()),
      sku: t.Nullable(t.String()),
      title: t.Nullable(t.String()),
      quantity: t.Integer(),
      unitMinor: t.Nullable(minor),
      compareAtMinor: t.Nullable(minor),
      source: t.Nullable(
        t.String({ description: "the rule that gave the price: base, sale:<list>, override:<list>" }),
      ),
      discountMinor: minor,
      totalMinor: minor,
      taxRatePpm: t.Integer({ description: "parts per million of the net amount: 190000 is 19 %" }),
      taxMinor: minor,
      available: t.Integer(),
      sellable: t.Boolean({ description: "false: no longer for sale; the line counts nothing" }),
    }),
  ),
  adjustments: t.Array(t.Object({})),
  subtotalMinor: minor,
  discountMinor: minor,
  shippingMinor: minor,
  taxIncluded: t.Boolean({ description: "prices contain the tax: it is told, but not added" }),
  taxMinor: minor,
  totalMinor: minor,
  orderId: t.Nullable(t.String()),
  createdAt: t.String({ format: "date-time" }),
  updatedAt: t.String({ format: "date-time" }),
});

export const payment = t.Object(
  {
    payment: t.Union([
      t.Object(
        {
          provider: t.Literal("test"),
          token: oneOf(["ok", "decline", "timeout", "later"], {
            description: "timeout: the answer gets lost; later: a webhook brings it",
          }),
        },
        { additionalProperties: false },
      ),
      t.Object(
        {
          provider: t.Literal("stripe"),
          token: t.String({
            pattern: "^pm_[A-Za-z0-9_]{1,250}$",
            description: "a PaymentMethod, made by Stripe's own form in the browser",
          }),
        },
        { additionalProperties: false },
      ),
    ]),
  },
  { additionalProperties: false },
);
