/** Pictures of a store: upload, state, progress. */

import { Elysia, t } from "elysia";
import {
  type Asset,
  changeAsset,
  deleteAsset,
  getAsset,
  listAssets,
  retryAsset,
  type Usage,
  usageOf,
  variantCount,
  watchAsset,
  withSignedUrls,
} from "../../../../media/index.ts";
import { conflict, notFound } from "../../../../platform/errors.ts";
import { isId } from "../../../../platform/ids.ts";
import { pageOf } from "../../../../platform/page.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import { listening, type SseEvent, sseResponse } from "../../http/sse.ts";
import { signerOf } from "../media/signer.ts";
import { assetChange, assetView, mediaUsage, uploadedView, uploadForm } from "./media.schema.ts";
import { acceptUpload, uploadDeps } from "./media.upload.ts";

/** How long the URLs of private pictures are good for. */
const SIGNED_MS = 3_600_000;
const params = t.Object({ id: t.String({ maxLength: 64 }) });

/** Sizes that the store has declared come on top of those that every picture has. */
function totalOf({ variants, complete }: Pick<Asset, "variants" | "complete">): number {
  return complete ? variants.length : Math.max(variantCount, variants.length + 1);
}

function shape({ storeId: _, edition: _edition, error, ...asset }: Asset) {
  return {
    ...asset,
    progress: { done: asset.variants.length, total: totalOf(asset) },
    ...(error ? { error } : {}),
  };
}

export function mediaRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  const uploads = uploadDeps(deps);

  const signer = signerOf(deps);

  /** As callers see it; URLs of private ones are good for an hour. */
  async function viewOf(asset: Asset) {
    if (asset.visibility === "public") return shape(asset);
    const until = new Date(deps.clock.now().getTime() + SIGNED_MS);
    return shape(withSignedUrls(asset, await signer(), until));
  }

  /** `progress` until it can be shown; then `ready`, again with each change until it is complete; or `failed`. */
  async function* eventsOf(assets: AsyncIterable<Asset>): AsyncGenerator<SseEvent, void> {
    for await (const asset of assets) {
      const event = asset.status === "processing" ? "progress" : asset.status;
      yield { event, id: String(asset.version), data: await viewOf(asset) };
    }
  }

  async function find(storeId: string, id: string): Promise<Asset> {
    const asset = isId("asset", id) ? await getAsset(sql, storeId, id) : null;
    if (!asset) throw notFound("asset");
    return asset;
  }

  return new Elysia({ prefix: "/admin/media", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .post(
      "/",
      async ({ request, author, set }) => {
        const uploaded = await acceptUpload(uploads, request, author);
        bus.poke();
        const items = uploaded.map(({ id, status }) => ({ id, status, href: `/admin/media/${id}` }));
        set.status = 202;
        set.headers.location = items[0]!.href;
        return items.length === 1 ? items[0]! : { ...items[0]!, items };
      },
      {
        parse: "none",
        detail: {
          summary: "Upload pictures",
          description:
            "The same bytes again give the same asset and no new work; `alt`, `productId` and `position` that are given then replace the old ones. " +
            "413 `body_too_large`, `too_many_files`, `quota_exceeded`; 415 `unsupported_media_type`; 422 `empty_file`, `unreadable`, `too_many_pixels`.",
          requestBody: uploadForm,
        },
        response: documented({ 202: uploadedView }),
      },
    )
    .get(
      "/",
      async ({ access, query }) => {
        const { limit = 20, cursor: before, status } = query;
        const found = await listAssets(sql, access.storeId, { limit: limit + 1, before, status });
        const { items, nextCursor } = pageOf(found, limit);
        return { items: await Promise.all(items.map(viewOf)), nextCursor };
      },
      {
        detail: { summary: "Assets, latest first" },
        query: t.Object(
          {
            status: t.Optional(oneOf(["processing", "ready", "failed"])),
            limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
            cursor: t.Optional(t.String({ maxLength: 64 })),
          },
          { additionalProperties: false },
        ),
        response: documented({
          200: t.Object({ items: t.Array(assetView), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .get(
      "/usage",
      async ({ access }) => {
        const [{ storeId: _, ...usage }] = (await usageOf(sql, [access.storeId], uploads.quotaBytes)) as [
          Usage,
        ];
        return usage;
      },
      {
        detail: {
          summary: "What the store's pictures take, and may take",
          description: "Operators set the quota (`PUT /ops/stores/:id/media-quota`).",
        },
        response: documented({ 200: mediaUsage }),
      },
    )
    .get("/:id", async ({ access, params }) => viewOf(await find(access.storeId, params.id)), {
      params,
      detail: { summary: "One asset with its variants" },
      response: documented({ 200: assetView }),
    })
    .delete(
      "/:id",
      async ({ author, params, set }) => {
        const deleted = isId("asset", params.id) && (await deleteAsset(uploads, author, params.id));
        if (!deleted) throw notFound("asset");
        bus.poke();
        set.status = 204;
      },
      {
        params,
        detail: {
          summary: "Delete an asset",
          description:
            "With all its variants and files; products cease to show it. Files that others use too stay for those.",
        },
        response: documented({ 204: t.Void() }),
      },
    )
    .patch(
      "/:id",
      async ({ author, access, params, body }) => {
        const changed = isId("asset", params.id) && (await changeAsset(uploads, author, params.id, body));
        if (!changed) throw notFound("asset");
        bus.poke();
        return viewOf(await find(access.storeId, params.id));
      },
      {
        params,
        body: assetChange,
        detail: {
          summary: "Change an asset",
          description:
            "Another `visibility` has its files made anew under other names: it is `processing` until they are there, and private ones are shown with no product.",
        },
        response: documented({ 200: assetView }),
      },
    )
    .post(
      "/:id/retry",
      async ({ author, access, params, set }) => {
        const retried = isId("asset", params.id) ? await retryAsset(sql, author, params.id) : "not_found";
        if (retried === "not_found") throw notFound("asset");
        if (retried === "not_failed") throw conflict("not_failed", "The asset has not failed.");
        bus.poke();
        set.status = 202;
        return viewOf(await find(access.storeId, params.id));
      },
      {
        params,
        detail: {
          summary: "Try a failed asset again",
          description: "409 `not_failed` when there is nothing to try again.",
        },
        response: documented({ 202: assetView }),
      },
    )
    .get(
      "/:id/events",
      async ({ access, params, request }) => {
        const asset = await find(access.storeId, params.id);
        const { signal, stop } = listening(request, deps.drain);
        const changes = watchAsset(sql, access.storeId, asset.id, { signal });
        return sseResponse(eventsOf(changes), { stop });
      },
      {
        params,
        detail: {
          summary: "Progress of an asset (server-sent events)",
          description:
            "`progress` until it can be shown; then `ready`, again with each change until `complete`; or `failed`. The data is the asset.",
        },
      },
    );
}
