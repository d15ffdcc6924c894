/** The category tree and the collections of a shop, for its navigation. */
import { Elysia, t } from "elysia";
import { askCategories, askCollections, GROUP_PAGE } from "../../cache/catalog.ts";
import { giving } from "../../cache/given.ts";
import type { ApiDeps } from "../../deps.ts";
import { storeAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";

const MAX_PAGE = 250;

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

type Page<T> = { items: T[]; nextCursor: string | null };
type CategoryPage = Page<typeof category.static>;
type CollectionPage = Page<typeof collection.static>;

export function groupRoutes(deps: ApiDeps) {
  const give = giving(deps);
  return new Elysia({ prefix: "/store", detail: { tags: ["store"] } })
    .use(storeAuth(deps))
    .get(
      "/categories",
      ({ access: { storeId }, query: { limit = GROUP_PAGE, cursor }, request, set }) =>
        give<CategoryPage>(
          { request, set, storeId, route: "/store/categories" },
          askCategories(deps, storeId, { limit, cursor }),
        ),
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
      ({ access: { storeId }, query: { limit = GROUP_PAGE, cursor }, request, set }) =>
        give<CollectionPage>(
          { request, set, storeId, route: "/store/collections" },
          askCollections(deps, storeId, { limit, cursor }),
        ),
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
