/**
 * Uploads that go to the bucket itself: the client asks for a form, posts the file with it to the S3 service, and says
 * when it is there. The file is then read back through the same checks as any upload; what the client's form said about
 * its type decides nothing.
 */
import { Elysia, t } from "elysia";
import { beginUpload, directKey, findUpload, finishUpload, noteDirect } from "../../../../media/index.ts";
import { conflict } from "../../../../platform/errors.ts";
import { newId } from "../../../../platform/ids.ts";
import { S3Storage } from "../../../../platform/storage/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import { detailsOf } from "./media.details.ts";
import { uploadedView } from "./media.schema.ts";
import { uploadDeps } from "./media.upload.ts";

const FORM_SECONDS = 3_600;
const types = [
  "image/jpeg",
  "image/png",
  "image/webp",
  "image/avif",
  "image/gif",
  "image/tiff",
  "image/svg+xml",
] as const;

export function directRoutes(deps: ApiDeps) {
  const uploads = uploadDeps(deps);
  const { sql, storage } = uploads;

  return new Elysia({ prefix: "/admin/media/direct", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .post(
      "/",
      async ({ body, access, set }) => {
        if (!(storage instanceof S3Storage)) {
          throw conflict("no_bucket", "Media are not kept in a bucket here; upload to /admin/media instead.");
        }
        const { bytes, contentType, filename = null, position, ...rest } = body;
        const fields = { ...rest, ...(position === undefined ? {} : { position: String(position) }) };
        const details = await detailsOf(sql, access.storeId, fields);
        const id = newId("upload");
        await beginUpload(uploads, { id, storeId: access.storeId, bytes, filename, details });
        set.status = 201;
        const form = storage.postForm({
          key: directKey(id),
          contentType,
          maxBytes: bytes,
          seconds: FORM_SECONDS,
        });
        return { id, ...form, complete: `/admin/media/direct/${id}/complete` };
      },
      {
        body: t.Object(
          {
            bytes: t.Integer({
              minimum: 1,
              description: "the most that the form takes",
              examples: [3_145_728],
            }),
            contentType: oneOf(types),
            filename: t.Optional(t.String({ maxLength: 200 })),
            alt: t.Optional(t.String({ maxLength: 500 })),
            productId: t.Optional(t.String({ maxLength: 64 })),
            position: t.Optional(t.Integer({ minimum: 0, maximum: 9_999 })),
          },
          { additionalProperties: false },
        ),
        detail: {
          summary: "A signed form for an upload to the bucket itself",
          description:
            "Post the file as multipart/form-data to `url`: first `fields`, at last `file`. The form takes the type and at most the bytes that were named, for an hour. 409 `no_bucket` where media are not in a bucket; 413 beyond the limit of a file or the store's quota.",
        },
        response: documented({
          201: t.Object({
            id: t.String(),
            url: t.String(),
            fields: t.Record(t.String(), t.String()),
            expiresAt: t.String({ format: "date-time" }),
            complete: t.String({ description: "to be posted to when the file is there" }),
          }),
        }),
      },
    )
    .post(
      "/:id/complete",
      async ({ params, author, set }) => {
        const upload = await findUpload(sql, author.storeId, params.id);
        set.status = 202;
        if (upload.assetId) return viewOf(upload.assetId, "processing");
        await noteDirect(uploads, upload);
        const { id, status } = await finishUpload(uploads, author, upload);
        deps.bus.poke();
        return viewOf(id, status);
      },
      {
        params: t.Object({ id: t.String({ maxLength: 64 }) }),
        detail: {
          summary: "Say that the file is in the bucket",
          description: "413, 415 and 422 say why the file can't be used; it is removed then.",
        },
        response: documented({ 202: uploadedView }),
      },
    );
}

function viewOf(id: string, status: string) {
  return { id, status, href: `/admin/media/${id}` };
}
