/** Product files of a store: upload, state. */

import { Elysia, t } from "elysia";
import {
  createImport,
  getImport,
  type Import,
  listImports,
  MAX_FILE_BYTES,
  receiveFile,
} from "../../../../commerce/imports/index.ts";
import { invalid, notFound } from "../../../../platform/errors.ts";
import { isId } from "../../../../platform/ids.ts";
import { openStorage, type StagedFile, type Storage } from "../../../../platform/storage/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { multipart } from "../../http/multipart.ts";
import { oneOf } from "../../http/one-of.ts";
import { acceptedView, importForm, importView } from "./imports.schema.ts";

const params = t.Object({ id: t.String({ maxLength: 64 }) });
const hrefOf = (id: string) => `/admin/imports/${id}`;
const viewOf = (one: Import) => ({ ...one, href: hrefOf(one.id) });

/** The one file of the form. Whatever goes wrong, nothing of the request is left. */
async function readForm(storage: Storage, request: Request) {
  let received: { fileName: string; staged: StagedFile } | null = null;
  try {
    for await (const part of multipart(request, { maxFileBytes: MAX_FILE_BYTES, maxParts: 2 })) {
      if (part.name !== "file" || part.filename === undefined) {
        throw invalid([{ path: part.name.slice(0, 60), message: "must be a file named `file`" }]);
      }
      if (received) throw invalid([{ path: "file", message: "must be one file" }]);
      received = { fileName: part.filename, staged: await receiveFile(storage, part.body) };
    }
  } catch (error) {
    await received?.staged.discard();
    throw error;
  }
  if (!received) throw invalid([{ path: "file", message: "is required" }]);
  return received;
}

export function importRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  const uploads = { sql, storage: openStorage(deps.config) };

  return new Elysia({ prefix: "/admin/imports", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .post(
      "/",
      async ({ request, author, query, set }) => {
        const { fileName, staged } = await readForm(uploads.storage, request);
        const upload = { fileName, staged, inventory: query.inventory ?? "new" };
        const { id, status } = await createImport(uploads, author, upload);
        bus.poke();
        set.status = 202;
        set.headers.location = hrefOf(id);
        return { id, status, href: hrefOf(id) };
      },
      {
        parse: "none",
        query: t.Object({ inventory: t.Optional(oneOf(["new", "set"])) }, { additionalProperties: false }),
        detail: {
          summary: "Import a product file",
          description:
            "A Shopify product CSV in UTF-8, up to 200 MB. `inventory=new` (default) sets the stock of variants that have none yet, `set` that of all variants in the file. 422 `invalid_file` names the columns that are missing.",
          requestBody: importForm,
        },
        response: documented({ 202: acceptedView }),
      },
    )
    .get(
      "/",
      async ({ access, query }) => {
        const { limit = 20, cursor } = query;
        const { items, nextCursor } = await listImports(sql, access.storeId, { limit, cursor });
        return { items: items.map(viewOf), nextCursor };
      },
      {
        detail: { summary: "Imports, latest first" },
        query: t.Object(
          {
            limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
            cursor: t.Optional(t.String({ maxLength: 64, pattern: "^[0-9a-z_]*$" })),
          },
          { additionalProperties: false },
        ),
        response: documented({
          200: t.Object({ items: t.Array(importView), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .get(
      "/:id",
      async ({ access, params }) => {
        const found = isId("imp", params.id) ? await getImport(sql, access.storeId, params.id) : null;
        if (!found) throw notFound("import");
        return viewOf(found);
      },
      {
        params,
        detail: { summary: "One import: how far it is, and what was wrong with which row" },
        response: documented({ 200: importView }),
      },
    );
}
