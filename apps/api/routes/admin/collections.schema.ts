/** The shapes of collections. */
import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { limits } from "../../../../commerce/collections/index.ts";
import { MAX_PRICE_MINOR } from "../../../../commerce/pricing/index.ts";
import { oneOf } from "../../http/one-of.ts";
import { text, textLine } from "./products.schema.ts";

const amount = Type.Integer({ minimum: 0, maximum: MAX_PRICE_MINOR });

const condition = t.Object(
  {
    field: oneOf(["tag", "vendor", "type", "category", "price"]),
    values: t.Optional(
      t.Array(textLine(1, 255), {
        maxItems: limits.values,
        description: "any of them; categories by id or handle, with all below them",
      }),
    ),
    min: t.Optional(amount),
    max: t.Optional(amount),
  },
  { additionalProperties: false },
);

const rule = t.Object(
  {
    match: oneOf(["all", "any"]),
    conditions: t.Array(condition, { minItems: 1, maxItems: limits.conditions }),
  },
  { additionalProperties: false, description: "`price` is the lowest of a product, in the store's currency" },
);

const fields = {
  handle: t.Optional(textLine(1, limits.handle)),
  description: t.Optional(text(limits.description)),
  rule: t.Optional(t.Nullable(rule)),
  productIds: t.Optional(t.Array(textLine(1, 64), { maxItems: limits.picks })),
};

const example = {
  title: "Under 20",
  rule: {
    match: "all",
    conditions: [
      { field: "price", max: 2000 },
      { field: "tag", values: ["gift"] },
    ],
  },
};

export const newCollection = t.Object(
  { title: textLine(1, limits.title), ...fields },
  { additionalProperties: false, examples: [example] },
);

export const collectionChange = t.Object(
  { title: t.Optional(textLine(1, limits.title)), ...fields },
  { additionalProperties: false, minProperties: 1 },
);

export const collectionView = t.Object({
  id: t.String(),
  handle: t.String(),
  title: t.String(),
  description: t.String(),
  rule: t.Nullable(rule),
  productIds: t.Array(t.String(), { description: "picked by hand, in order; empty where there is a rule" }),
  version: t.Integer(),
  createdAt: t.String({ format: "date-time" }),
  updatedAt: t.String({ format: "date-time" }),
});
