/** The files of variants. A URL names its content, so whoever has the bytes never needs to ask again. */
import { Elysia, t } from "elysia";
import { keyOfFile, mediaTypes } from "../../../../media/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import { DiskStorage, openStorage } from "../../../../platform/storage/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { fileResponse, wholeFile } from "../../http/file-response.ts";
import { hotFilesOf } from "../../http/hot-files.ts";

/** SHA-256 and extension; nothing else is looked up, so no request names a path. */
const fileName = /^([0-9a-f]{64})\.([a-z]{3,4})$/;

const immutable = {
  "cache-control": "public, max-age=31536000, immutable",
  "x-content-type-options": "nosniff",
  // Opened by itself, a file may load, run and frame nothing.
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "cross-origin",
  "content-disposition": "inline",
};

export function mediaFileRoutes(deps: ApiDeps) {
  const storage = openStorage(deps.config);
  const hot = hotFilesOf(deps);

  async function serve(request: Request, name: string): Promise<Response> {
    const [, sha256, extension] = fileName.exec(name) ?? [];
    const type = extension && mediaTypes[extension];
    const file = type ? await storage.open(keyOfFile(name)) : null;
    if (!file) throw notFound("file");
    const etag = `"${sha256}"`;
    const headers = { ...immutable, "content-type": type!, "surrogate-key": `file_${sha256}` };
    // Where it lies elsewhere, an answer is more than a file that the kernel sends.
    const { blob, bytes } = file;
    if (storage instanceof DiskStorage) {
      hot.keep(`/media/${name}`, { blob, bytes, headers: wholeFile(headers, etag) });
    }
    return fileResponse(request, { blob, bytes, etag, headers });
  }

  const detail = {
    summary: "The bytes of a variant",
    description: "Immutable; takes `If-None-Match` and `Range`.",
    tags: ["media"],
    responses: { 200: { description: "The picture" }, 206: { description: "A range of it" } },
  };
  // Whatever is no name of a variant is not found, however long: no schema.
  const params = t.Object({ file: t.String() });
  return new Elysia()
    .get("/media/:file", async ({ request, params }) => serve(request, params.file), { params, detail })
    .head("/media/:file", async ({ request, params }) => serve(request, params.file), {
      params,
      detail: { ...detail, hide: true },
    });
}
