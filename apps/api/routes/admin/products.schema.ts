/** The shapes of products in the back office. */
import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { limits, productStatuses } from "../../../../commerce/catalog/index.ts";
import { MAX_PRICE_MINOR } from "../../../../commerce/pricing/index.ts";
import { LINE_PATTERN, TEXT_PATTERN } from "../../../../platform/text.ts";
import { oneOf } from "../../http/one-of.ts";
import { productView } from "../store/products.schema.ts";

const MAX_GRAMS = 1_000_000_000;
const MAX_CATEGORIES = 100;
const MAX_CURRENCIES = 50;
/** Of one request; more come with an import. */
const MAX_VARIANTS = limits.variants;

/** One line of text without control characters. */
export const textLine = (min: number, max: number) =>
  t.String({ minLength: min, maxLength: max, pattern: LINE_PATTERN });
/** Several lines. */
export const text = (max: number) => t.String({ maxLength: max, pattern: TEXT_PATTERN });

const price = t.Object(
  {
    currency: t.Optional(t.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217; default: the store's" })),
    amountMinor: Type.Integer({ minimum: 0, maximum: MAX_PRICE_MINOR, description: "in minor units" }),
    compareAtMinor: t.Optional(t.Nullable(Type.Integer({ minimum: 0, maximum: MAX_PRICE_MINOR }))),
  },
  { additionalProperties: false },
);

const variant = t.Object(
  {
    id: t.Optional(textLine(1, 64)),
    sku: t.Optional(t.Nullable(textLine(0, limits.sku))),
    barcode: t.Optional(t.Nullable(textLine(0, limits.barcode))),
    options: t.Optional(
      t.Record(textLine(1, limits.optionName), textLine(1, limits.optionValue), {
        maxProperties: limits.options,
        description: "option name → value, one for each option of the product",
      }),
    ),
    grams: t.Optional(Type.Integer({ minimum: 0, maximum: MAX_GRAMS })),
    requiresShipping: t.Optional(Type.Boolean()),
    taxable: t.Optional(Type.Boolean()),
    price: t.Optional(price),
    prices: t.Optional(t.Array(price, { maxItems: MAX_CURRENCIES })),
  },
  { additionalProperties: false },
);

const image = t.Object(
  {
    assetId: t.Optional(textLine(1, 64)),
    src: t.Optional(
      t.String({ maxLength: limits.imageSrc, pattern: '^https?://[^\\s\\u0000-\\u001f\\u007f"<>]+$' }),
    ),
    alt: t.Optional(textLine(0, limits.imageAlt)),
  },
  { additionalProperties: false },
);

const option = t.Object(
  {
    name: textLine(1, limits.optionName),
    values: t.Optional(t.Array(textLine(1, limits.optionValue), { maxItems: MAX_VARIANTS })),
  },
  { additionalProperties: false },
);

const fields = {
  handle: t.Optional(textLine(1, limits.handle)),
  description: t.Optional(text(limits.description)),
  vendor: t.Optional(textLine(0, limits.vendor)),
  type: t.Optional(textLine(0, limits.type)),
  status: t.Optional(oneOf(productStatuses as ["draft", "active", "archived"])),
  tags: t.Optional(t.Array(textLine(1, limits.tag), { maxItems: limits.tags })),
  categories: t.Optional(
    t.Array(textLine(1, 255), { maxItems: MAX_CATEGORIES, description: "ids or handles" }),
  ),
  options: t.Optional(t.Array(option, { maxItems: limits.options })),
  variants: t.Optional(t.Array(variant, { minItems: 1, maxItems: MAX_VARIANTS })),
  images: t.Optional(t.Array(image, { maxItems: limits.images, description: "all of them, in order" })),
};

const example = {
  title: "Harbour Mug",
  status: "active",
  options: [{ name: "Glaze", values: ["Fog", "Sand"] }],
  variants: [
    { sku: "MUG-FOG", options: { Glaze: "Fog" }, price: { amountMinor: 1800, currency: "EUR" } },
    { sku: "MUG-SAND", options: { Glaze: "Sand" }, price: { amountMinor: 1800, currency: "EUR" } },
  ],
};

export const newProduct = t.Object(
  { title: textLine(1, limits.title), ...fields },
  { additionalProperties: false, examples: [example] },
);

export const productChange = t.Object(
  { title: t.Optional(textLine(1, limits.title)), ...fields },
  { additionalProperties: false, minProperties: 1, examples: [{ status: "archived" }] },
);

const { variants: variantList, ...shown } = productView.properties;

export const adminProductView = t.Object({
  ...shown,
  version: t.Integer({ description: "the ETag begins with it" }),
  createdAt: t.String({ format: "date-time" }),
  variants: t.Array(
    t.Object({
      ...variantList.items.properties,
      grams: t.Integer(),
      requiresShipping: t.Boolean(),
      taxable: t.Boolean(),
      prices: t.Array(
        t.Object({
          currency: t.String(),
          amountMinor: t.Integer(),
          compareAtMinor: t.Nullable(t.Integer()),
        }),
        { description: "base prices; `price` is what one costs anyone now" },
      ),
    }),
  ),
});
