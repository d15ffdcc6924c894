/** The shapes of price lists. */
import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { listLimits, listStatuses, listTypes, MAX_PRICE_MINOR } from "../../../../commerce/pricing/index.ts";
import { LINE_PATTERN } from "../../../../platform/text.ts";
import { oneOf } from "../../http/one-of.ts";
import { reference } from "../store/carts.schema.ts";

const closed = { additionalProperties: false };

/** A name for people: one line that says something. */
export const title = (max: number) =>
  t.String({ minLength: 1, maxLength: max, pattern: `${LINE_PATTERN.slice(0, -1)}(?<=\\S.*)$` });

export const currencyCode = t.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217" });
export const countryCode = t.String({ pattern: "^[A-Z]{2}$", description: "ISO 3166-1 alpha-2" });

/** TypeBox's own, here and below: Elysia's `t.Integer` would take a number in quotes. */
export const amount = Type.Integer({ minimum: 0, maximum: MAX_PRICE_MINOR, description: "minor units" });

const moment = t.String({
  maxLength: 40,
  pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?(Z|[+-]\\d{2}:\\d{2})$",
  description: "RFC 3339",
});

const minQuantity = Type.Optional(
  Type.Integer({ minimum: 1, maximum: listLimits.quantity, description: "from this quantity on; default 1" }),
);

const newEntry = t.Object({ variantId: reference, amountMinor: amount, minQuantity }, closed);
const entryKey = t.Object({ variantId: reference, minQuantity }, closed);
const segments = t.Array(reference, {
  maxItems: listLimits.segments,
  description: "for buyers in one of these customer segments; empty: for everyone",
});

const settings = {
  status: t.Optional(oneOf(listStatuses, { description: "a draft gives no prices; default draft" })),
  segmentIds: t.Optional(segments),
  startsAt: t.Optional(t.Nullable(moment)),
  endsAt: t.Optional(t.Nullable(moment)),
};

const entries = t.Array(newEntry, { maxItems: listLimits.entries });

export const newPriceList = t.Object(
  {
    name: title(listLimits.name),
    type: oneOf(listTypes, {
      description:
        "override: stands in place of the base price. sale: applies where it is lower than the base price.",
    }),
    currency: t.Optional(currencyCode),
    entries: t.Optional(entries),
    ...settings,
  },
  closed,
);

export const priceListChange = t.Object(
  { name: t.Optional(title(listLimits.name)), type: t.Optional(oneOf(listTypes)), ...settings },
  closed,
);

export const entriesChange = t.Object(
  {
    entries: t.Optional(entries),
    remove: t.Optional(t.Array(entryKey, { maxItems: listLimits.entries })),
  },
  closed,
);

const time = t.String({ format: "date-time" });

export const priceListView = t.Object({
  id: t.String(),
  name: t.String(),
  type: oneOf(listTypes),
  status: oneOf(listStatuses),
  currency: t.String(),
  segmentIds: t.Array(t.String()),
  startsAt: t.Nullable(time),
  endsAt: t.Nullable(time),
  entryCount: t.Integer(),
  version: t.Integer({ description: "the ETag, which writes name in If-Match" }),
  createdAt: time,
  updatedAt: time,
});

export const entryView = t.Object({
  variantId: t.String(),
  productId: t.String(),
  minQuantity: t.Integer(),
  amountMinor: t.Integer(),
});
