/** The shapes of stock, locations and transfers: what comes in is checked by them, what goes out is described. */
import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { MAX_DELTA, transferStatuses } from "../../../../commerce/inventory/index.ts";
import { oneOf } from "../../http/one-of.ts";
import { line, reference } from "../store/carts.schema.ts";

const closed = { additionalProperties: false };
const time = t.String({ format: "date-time" });

/** Of the list's query; `bounds` for numbers come as text there, so Elysia's own integer fits. */
export const page = {
  limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
  cursor: t.Optional(t.String({ minLength: 1, maxLength: 256 })),
};
export const DEFAULT_PAGE = 20;

export const pageView = (item: ReturnType<typeof t.Object>) =>
  t.Object({ items: t.Array(item), nextCursor: t.Nullable(t.String()) });

export const idParams = t.Object({ id: t.String({ maxLength: 200 }) });

export const levelView = t.Object({
  variantId: t.String(),
  productId: t.String(),
  locationId: t.String(),
  onHand: t.Integer(),
  reserved: t.Integer({ description: "held for checkouts and orders on their way" }),
  incoming: t.Integer({ description: "on its way here by transfers" }),
  available: t.Integer(),
  backorder: t.Boolean({ description: "sales may go under what is there" }),
  lowThreshold: t.Nullable(t.Integer()),
  low: t.Boolean({ description: "available is at or below the threshold" }),
  version: t.Integer(),
  updatedAt: time,
});

export const listedLevelView = t.Composite([
  levelView,
  t.Object({ sku: t.Nullable(t.String()), title: t.Nullable(t.String()) }),
]);

export const levelQuery = t.Object(
  {
    ...page,
    variantId: t.Optional(reference),
    productId: t.Optional(reference),
    locationId: t.Optional(reference),
    low: t.Optional(oneOf(["true", "false"])),
  },
  closed,
);

export const levelChange = t.Object(
  {
    locationId: t.Optional(reference),
    backorder: t.Optional(Type.Boolean()),
    lowThreshold: t.Optional(t.Nullable(Type.Integer({ minimum: 0, maximum: MAX_DELTA }))),
  },
  { ...closed, minProperties: 1 },
);

export const adjustment = t.Object(
  {
    variantId: reference,
    locationId: t.Optional(reference),
    delta: Type.Integer({ minimum: -MAX_DELTA, maximum: MAX_DELTA }),
    reason: line(1, 255),
  },
  closed,
);

export const ledgerQuery = t.Object(
  { ...page, variantId: t.Optional(reference), locationId: t.Optional(reference) },
  closed,
);

export const ledgerView = t.Object({
  id: t.String(),
  variantId: t.String(),
  locationId: t.String(),
  delta: t.Integer(),
  reason: t.String(),
  author: t.String({ description: "the key that was used, or the flow that did it" }),
  key: t.String({ description: "what caused it: a sale, a transfer, a return, a request's Idempotency-Key" }),
  at: time,
});

export const newLocation = t.Object(
  { name: line(1, 255), isDefault: t.Optional(Type.Literal(true)) },
  closed,
);

export const locationChange = t.Object(
  {
    name: t.Optional(line(1, 255)),
    isDefault: t.Optional(Type.Literal(true)),
    active: t.Optional(Type.Boolean()),
  },
  closed,
);

export const locationView = t.Object({
  id: t.String(),
  name: t.String(),
  isDefault: t.Boolean({ description: "sales draw on it first; imports and returns go there" }),
  active: t.Boolean(),
  version: t.Integer(),
  createdAt: time,
  updatedAt: time,
});

const lines = t.Array(
  t.Object({ variantId: reference, quantity: Type.Integer({ minimum: 1, maximum: MAX_DELTA }) }, closed),
  { minItems: 1, maxItems: 200 },
);
const note = t.Optional(t.Nullable(line(0, 1_000)));

export const newTransfer = t.Object(
  { fromLocationId: reference, toLocationId: reference, lines, note },
  closed,
);
export const transferChange = t.Object({ lines: t.Optional(lines), note }, closed);

export const transferQuery = t.Object({ ...page, status: t.Optional(oneOf(transferStatuses)) }, closed);

export const transferView = t.Object({
  id: t.String(),
  fromLocationId: t.String(),
  toLocationId: t.String(),
  status: oneOf(transferStatuses),
  note: t.Nullable(t.String()),
  author: t.String(),
  lines: t.Array(t.Object({ variantId: t.String(), productId: t.String(), quantity: t.Integer() })),
  version: t.Integer(),
  createdAt: time,
  updatedAt: time,
  shippedAt: t.Nullable(time),
  settledAt: t.Nullable(time),
});
