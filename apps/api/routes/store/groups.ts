/** The category tree and the collections of a shop, for its navigation. */
import { Elysia, t } from "elysia";
import { listCategories } from "../../../../commerce/catalog/index.ts";
import { listCollections } from "../../../../commerce/collections/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { storeAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";

const MAX_PAGE = 250;
const DEFAULT_PAGE = 100;

const query = t.Object(
  {
    limit: t.Optional(t.Integer({ minimum: 1, maximum: MAX_PAGE })),
    cursor: t.Optional(t.String({ minLength: 1, maxLength: 128 })),
  },
  { additionalProperties: false },
);

const category = t.Object({
  id: t.String(),
  handle: t.String(),
  title: t.String(),
  parentId: t.Nullable(t.String()),
  path: t.Array(t.String(), { description: "ids from the root down to its own" }),
  position: t.Integer({ description: "among its siblings" }),
});
const collection = t.Object({
  id: t.String(),
  handle: t.String(),
  title: t.String(),
  description: t.String(),
});
const pageOf = (item: typeof category | typeof collection) =>
  documented({ 200: t.Object({ items: t.Array(item), nextCursor: t.Nullable(t.String()) }) });

export function groupRoutes(deps: ApiDeps) {
  const { sql } = deps;
  return new Elysia({ prefix: "/store", detail: { tags: ["store"] } })
    .use(storeAuth(deps))
    .get(
      "/categories",
      async ({ access, query: { limit = DEFAULT_PAGE, cursor } }) => {
        const { items, nextCursor } = await listCategories(sql, access.storeId, { limit, cursor });
        const shown = items.map(({ id, handle, title, parentId, path, position }) => {
          return { id, handle, title, parentId, path, position };
        });
        return { items: shown, nextCursor };
      },
      {
        query,
        detail: {
          summary: "Categories, oldest first",
          description: "A tree: `path` leads from its root. Products: `/store/products?category=`.",
        },
        response: pageOf(category),
      },
    )
    .get(
      "/collections",
      async ({ access, query: { limit = DEFAULT_PAGE, cursor } }) => {
        const { items, nextCursor } = await listCollections(sql, access.storeId, { limit, cursor });
        const shown = items.map(({ id, handle, title, description }) => ({ id, handle, title, description }));
        return { items: shown, nextCursor };
      },
      {
        query,
        detail: {
          summary: "Collections, newest first",
          description: "Products: `/store/products?collection=`, by default in the collection's own order.",
        },
        response: pageOf(collection),
      },
    );
}
