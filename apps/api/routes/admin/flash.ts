/** Flash mode, switched by hand. */
import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import { getFlash, setFlash } from "../../../../commerce/checkout/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import { reference } from "../store/carts.schema.ts";

const flashView = t.Object(
  {
    on: t.Boolean({ description: "the whole store queues" }),
    variants: t.Array(t.String(), { description: "variants whose checkouts queue" }),
    switches: t.Array(
      t.Object({
        variantId: t.Nullable(t.String({ description: "null: the whole store" })),
        by: oneOf(["admin", "load"]),
        since: t.String({ format: "date-time" }),
        until: t.Nullable(t.String({ format: "date-time", description: "when it ends by itself" })),
      }),
    ),
  },
  {
    examples: [
      {
        on: false,
        variants: ["var_01jd8x3kq5n2b7c9d4f6g8h0jk"],
        switches: [
          {
            variantId: "var_01jd8x3kq5n2b7c9d4f6g8h0jk",
            by: "load",
            since: "2026-11-21T12:00:00.000Z",
            until: "2026-11-21T12:01:00.000Z",
          },
        ],
      },
    ],
  },
);

export function flashRoutes(deps: ApiDeps) {
  return new Elysia({ prefix: "/admin/flash", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .get("", ({ access }) => getFlash(deps.sql, access.storeId), {
      detail: { summary: "What is in flash mode" },
      response: documented({ 200: flashView }),
    })
    .patch(
      "",
      ({ author, access, body }) =>
        setFlash(deps.sql, {
          storeId: access.storeId,
          route: author.route,
          variantId: body.variantId,
          on: body.on,
          author: access.keyId,
        }),
      {
        body: t.Object(
          { on: Type.Boolean(), variantId: t.Optional(reference) },
          { additionalProperties: false },
        ),
        detail: {
          summary: "Switch flash mode",
          description:
            "For a variant, or without `variantId` for the whole store. In flash mode a checkout answers 202 with a `Location` " +
            "to look at, and stock is given out in the order in which checkouts came. Takes effect within a second.",
        },
        response: documented({ 200: flashView }),
      },
    );
}
