/** The category tree. */
import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import {
  changeCategory,
  createCategory,
  getCategory,
  limits,
  listCategories,
  removeCategory,
} from "../../../../commerce/catalog/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { expectedVersion, versionTag } from "../../http/if-match.ts";
import { textLine } from "./products.schema.ts";

const DEFAULT_PAGE = 100;
const MAX_POSITION = 1_000_000;

const view = t.Object({
  id: t.String(),
  handle: t.String(),
  title: t.String(),
  parentId: t.Nullable(t.String()),
  path: t.Array(t.String(), { description: "ids from the root down to its own" }),
  position: t.Integer({ description: "among its siblings" }),
  version: t.Integer(),
  createdAt: t.String({ format: "date-time" }),
  updatedAt: t.String({ format: "date-time" }),
});

const fields = {
  handle: t.Optional(textLine(1, limits.handle)),
  parentId: t.Optional(t.Nullable(textLine(1, 255))),
  position: t.Optional(Type.Integer({ minimum: 0, maximum: MAX_POSITION })),
};
const newCategory = t.Object(
  { title: textLine(1, limits.title), ...fields },
  { additionalProperties: false, examples: [{ title: "Mugs", parentId: "tableware" }] },
);
const change = t.Object(
  { title: t.Optional(textLine(1, limits.title)), ...fields },
  { additionalProperties: false, minProperties: 1, examples: [{ parentId: null }] },
);
const params = t.Object({ id: textLine(1, 64) });
const listQuery = t.Object(
  {
    parentId: t.Optional(textLine(1, 64)),
    limit: t.Optional(t.Integer({ minimum: 1, maximum: 250 })),
    cursor: t.Optional(t.String({ minLength: 1, maxLength: 128 })),
  },
  { additionalProperties: false },
);

export function categoryRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  return new Elysia({ prefix: "/admin/categories", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .get(
      "/",
      ({ access, query }) =>
        listCategories(sql, access.storeId, {
          limit: query.limit ?? DEFAULT_PAGE,
          cursor: query.cursor,
          parentId: query.parentId === "root" ? null : query.parentId,
        }),
      {
        query: listQuery,
        detail: {
          summary: "Categories, oldest first",
          description: "`parentId` gives the children of one; `root` those without a parent.",
        },
        response: documented({ 200: t.Object({ items: t.Array(view), nextCursor: t.Nullable(t.String()) }) }),
      },
    )
    .post(
      "/",
      async ({ author, body, set }) => {
        const category = await createCategory(sql, author, body);
        set.status = 201;
        set.headers.location = `/admin/categories/${category.id}`;
        set.headers.etag = versionTag(category.version);
        return category;
      },
      {
        body: newCategory,
        detail: { summary: "Add a category" },
        response: documented({ 201: view }),
      },
    )
    .get(
      "/:id",
      async ({ access, params: { id }, set }) => {
        const category = await getCategory(sql, access.storeId, id);
        if (!category) throw notFound("category");
        set.headers.etag = versionTag(category.version, category);
        return category;
      },
      { params, detail: { summary: "One category" }, response: documented({ 200: view }) },
    )
    .patch(
      "/:id",
      async ({ author, params: { id }, body, request, set }) => {
        const category = await changeCategory(sql, author, id, expectedVersion(request.headers), body);
        bus.poke();
        set.headers.etag = versionTag(category.version);
        return category;
      },
      {
        params,
        body: change,
        detail: {
          summary: "Change or move a category",
          description: "A move takes everything below along; it can't go below itself. Wants `If-Match`.",
        },
        response: documented({ 200: view }),
      },
    )
    .delete(
      "/:id",
      async ({ author, params: { id }, request }) => {
        await removeCategory(sql, author, id, expectedVersion(request.headers));
        bus.poke();
      },
      {
        params,
        detail: {
          summary: "Remove a category",
          description:
            "Its products stay. 409 `category_has_children` while there are any. Wants `If-Match`.",
        },
        response: documented({ 204: t.Void() }),
      },
    );
}
