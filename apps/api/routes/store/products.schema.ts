/** The shapes of products, as OpenAPI shows them. */

import { t } from "elysia";
import { oneOf } from "../../http/one-of.ts";

const price = t.Object({
  amountMinor: t.Integer({ description: "in minor units of the currency" }),
  currency: t.String(),
  compareAtMinor: t.Optional(t.Integer()),
  source: t.String({ description: "the rule that gave the price" }),
});

const named = t.Object({ id: t.String(), handle: t.String(), title: t.String() });

const image = t.Object({
  assetId: t.Nullable(
    t.String({ description: "null: a picture that lives elsewhere, named by a product file" }),
  ),
  alt: t.String(),
  placeholder: t.Nullable(t.String({ description: "a ThumbHash in base64" })),
  variants: t.Array(
    t.Object({
      name: t.String({
        description: "of the size: 300, 800 or 1920; `original` for a picture that lives elsewhere",
      }),
      format: t.Nullable(t.String()),
      width: t.Nullable(t.Integer()),
      height: t.Nullable(t.Integer()),
      bytes: t.Nullable(t.Integer()),
      url: t.String(),
    }),
  ),
});

const variant = t.Object({
  id: t.String(),
  sku: t.Nullable(t.String()),
  title: t.String(),
  options: t.Record(t.String(), t.String()),
  barcode: t.Nullable(t.String()),
  price: t.Nullable(price),
  available: t.Integer({ description: "units that can be sold now" }),
  backorder: t.Boolean({ description: "sells on when none are left" }),
});

const common = {
  id: t.String(),
  handle: t.String(),
  title: t.String(),
  vendor: t.String(),
  type: t.String(),
  status: oneOf(["draft", "active", "archived"]),
  categories: t.Array(named),
  collections: t.Array(named),
  tags: t.Array(t.String()),
  images: t.Array(image),
  variants: t.Array(variant),
  updatedAt: t.String({ format: "date-time" }),
};

export const productView = t.Object({
  ...common,
  description: t.String({ description: "safe HTML" }),
  options: t.Array(t.Object({ name: t.String(), values: t.Array(t.String()) })),
});

/** Its first picture only, and what it costs and has at least. */
export const productSummaryView = t.Object({
  ...common,
  price: t.Nullable(price),
  available: t.Integer({ description: "over all variants" }),
});
