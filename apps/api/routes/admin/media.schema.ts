/** The shapes of the media routes, as OpenAPI shows them. */

import { t } from "elysia";
import { oneOf } from "../../http/one-of.ts";

const time = t.String({ format: "date-time" });
const status = oneOf(["processing", "ready", "failed"]);

export const assetView = t.Object({
  id: t.String(),
  status,
  complete: t.Boolean({ description: "nothing more is being made; `ready` is what can be shown" }),
  visibility: oneOf(["public", "private"]),
  focalPoint: t.Nullable(t.Object({ x: t.Number(), y: t.Number() })),
  sha256: t.String(),
  format: t.String({ description: "of the original" }),
  bytes: t.Integer({ description: "of the original" }),
  width: t.Nullable(t.Integer({ description: "of the original, upright; known when it is ready" })),
  height: t.Nullable(t.Integer()),
  animated: t.Boolean(),
  filename: t.Nullable(t.String()),
  alt: t.Nullable(t.String()),
  productId: t.Nullable(t.String()),
  position: t.Nullable(t.Integer()),
  placeholder: t.Nullable(t.String({ description: "a ThumbHash in base64" })),
  colour: t.Nullable(t.String({ description: "the dominant one, #rrggbb" })),
  variants: t.Array(
    t.Object({
      name: t.String({ description: "of the size: 300, 800 or 1920" }),
      format: oneOf(["webp", "avif", "jpeg", "png"]),
      width: t.Integer(),
      height: t.Integer(),
      bytes: t.Integer(),
      animated: t.Boolean(),
      url: t.String(),
    }),
  ),
  progress: t.Object({ done: t.Integer(), total: t.Integer() }),
  error: t.Optional(t.Object({ code: t.String(), message: t.String() })),
  version: t.Integer(),
  createdAt: time,
  updatedAt: time,
});

export const assetChange = t.Object(
  {
    alt: t.Optional(t.Nullable(t.String({ maxLength: 500 }))),
    position: t.Optional(t.Nullable(t.Integer({ minimum: 0, maximum: 9_999 }))),
    visibility: t.Optional(oneOf(["public", "private"])),
    focalPoint: t.Optional(
      t.Nullable(
        t.Object(
          { x: t.Number({ minimum: 0, maximum: 1 }), y: t.Number({ minimum: 0, maximum: 1 }) },
          { additionalProperties: false, description: "what crops keep, in fractions of width and height" },
        ),
      ),
    ),
  },
  { additionalProperties: false, minProperties: 1, examples: [{ alt: "A red cup", visibility: "public" }] },
);

export const mediaUsage = t.Object(
  {
    assets: t.Integer({ description: "pictures of the store" }),
    bytes: t.Integer({ description: "of their originals" }),
    maxBytes: t.Integer({ description: "what the originals may take together" }),
    isOwn: t.Boolean({ description: "set for this store; else the deployment's `TRADEWIND_MEDIA_STORE_GB`" }),
  },
  { examples: [{ assets: 412, bytes: 1_893_224_110, maxBytes: 100_000_000_000, isOwn: false }] },
);

const uploaded = { id: t.String(), status, href: t.String() };

export const uploadedView = t.Object({
  ...uploaded,
  items: t.Optional(t.Array(t.Object(uploaded), { description: "every file, when several were sent" })),
});

/** For the description only: the form is read as a stream, part by part. */
export const uploadForm = {
  required: true,
  content: {
    "multipart/form-data": {
      schema: {
        type: "object" as const,
        required: ["file"],
        properties: {
          file: { type: "string" as const, format: "binary", description: "once or several times" },
          alt: { type: "string" as const, maxLength: 500 },
          productId: { type: "string" as const },
          position: { type: "integer" as const, minimum: 0 },
        },
      },
    },
  },
};
