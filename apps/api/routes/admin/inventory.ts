/** Stock by hand. */
import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import { adjustStock, MAX_DELTA } from "../../../../commerce/inventory/index.ts";
import { Problem } from "../../../../platform/errors.ts";
import { newId } from "../../../../platform/ids.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { line, reference } from "../store/carts.schema.ts";

const levelView = t.Object({
  variantId: t.String(),
  locationId: t.String(),
  onHand: t.Integer(),
  reserved: t.Integer({ description: "held for checkouts and orders on their way" }),
  available: t.Integer(),
  version: t.Integer(),
  updatedAt: t.String({ format: "date-time" }),
});

/** Optional here: without a key each request is an adjustment of its own. */
function adjustmentKey(headers: Headers): string {
  const key = headers.get("idempotency-key");
  if (key === null) return newId("adj");
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return `api:${key}`;
  throw new Problem(
    400,
    "idempotency_key_invalid",
    "An Idempotency-Key has 1 to 255 printable ASCII characters.",
  );
}

export function inventoryRoutes(deps: ApiDeps) {
  return new Elysia({ prefix: "/admin/inventory", detail: { tags: ["admin"] } }).use(adminAuth(deps)).post(
    "/adjustments",
    async ({ access, body, request, traceparent }) => {
      const level = await adjustStock(deps.sql, {
        storeId: access.storeId,
        variantId: body.variantId,
        locationId: body.locationId,
        delta: body.delta,
        reason: body.reason.toWellFormed(),
        author: access.keyId,
        key: adjustmentKey(request.headers),
        traceparent,
      });
      deps.bus.poke();
      return level;
    },
    {
      body: t.Object(
        {
          variantId: reference,
          locationId: t.Optional(reference),
          delta: Type.Integer({ minimum: -MAX_DELTA, maximum: MAX_DELTA }),
          reason: line(1, 255),
        },
        { additionalProperties: false },
      ),
      detail: {
        summary: "Change the stock of a variant",
        description:
          "409 `insufficient_stock` when it would fall under 0 or under what is reserved. A header `Idempotency-Key` makes it happen once.",
      },
      response: documented({ 200: levelView }),
    },
  );
}
