/** Sizes that a store declares beside those that every picture has, and how far its pictures are in line with them. */
import { Elysia, t } from "elysia";
import { declarePreset, latestBackfill, listPresets, removePreset } from "../../../../media/index.ts";
import { conflict, notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";

const params = t.Object({ name: t.String({ pattern: "^[a-z][a-z0-9-]{0,31}$" }) });
const size = {
  width: t.Integer({ minimum: 1, maximum: 1_920 }),
  height: t.Integer({ minimum: 1, maximum: 3_840 }),
};
const preset = t.Object({ name: t.String(), ...size, crop: t.Boolean() });
const time = t.String({ format: "date-time" });
const backfill = t.Object({
  id: t.String(),
  status: oneOf(["queued", "running", "done"]),
  done: t.Integer({ description: "pictures that were looked at" }),
  total: t.Integer(),
  converting: t.Integer({ description: "pictures whose variants are being made" }),
  requestedAt: time,
  finishedAt: t.Nullable(time),
});
const list = t.Object({
  items: t.Array(preset),
  nextCursor: t.Null(),
  backfill: t.Nullable(backfill),
});

export function mediaPresetRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  return new Elysia({ prefix: "/admin/media/presets", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .get(
      "/",
      async ({ access }) => ({
        items: await listPresets(sql, access.storeId),
        nextCursor: null,
        backfill: await latestBackfill(sql, access.storeId),
      }),
      {
        detail: {
          summary: "Declared sizes",
          description: "With the progress of the latest backfill, which every change begins.",
        },
        response: documented({ 200: list }),
      },
    )
    .put(
      "/:name",
      async ({ author, params, body, set }) => {
        const made = { name: params.name, width: body.width, height: body.height, crop: body.crop ?? false };
        const declared = await declarePreset(sql, author, made);
        if (declared === "differs") {
          throw conflict(
            "preset_differs",
            "There is one of this name already, and sizes never change; choose another name.",
          );
        }
        if (declared === "too_many") throw conflict("too_many_presets", "At most 20 sizes can be declared.");
        bus.poke();
        set.status = declared === "created" ? 201 : 200;
        return made;
      },
      {
        params,
        body: t.Object(
          { ...size, crop: t.Optional(t.Boolean({ description: "fill the box, around the focal point" })) },
          { additionalProperties: false, examples: [{ width: 400, height: 400, crop: true }] },
        ),
        detail: {
          summary: "Declare a size",
          description:
            "All pictures get it, later ones and, by a backfill, those that are there. Sizes never change: 409 `preset_differs`, `too_many_presets`.",
        },
        response: documented({ 200: preset, 201: preset }),
      },
    )
    .delete(
      "/:name",
      async ({ author, params, set }) => {
        if (!(await removePreset(sql, author, params.name))) throw notFound("preset");
        bus.poke();
        set.status = 204;
      },
      {
        params,
        detail: { summary: "Remove a declared size", description: "With the variants of all pictures." },
        response: documented({ 204: t.Void() }),
      },
    );
}
