/** Collections: picked by hand or gathered by a rule. */
import { Elysia, t } from "elysia";
import {
  changeCollection,
  createCollection,
  getCollection,
  listCollections,
  removeCollection,
} from "../../../../commerce/collections/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { expectedVersion, versionTag } from "../../http/if-match.ts";
import { collectionChange, collectionView, newCollection } from "./collections.schema.ts";
import { textLine } from "./products.schema.ts";

const DEFAULT_PAGE = 20;

const params = t.Object({ id: textLine(1, 64) });
const listQuery = t.Object(
  {
    limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
    cursor: t.Optional(t.String({ minLength: 1, maxLength: 128 })),
  },
  { additionalProperties: false },
);

export function collectionRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  return new Elysia({ prefix: "/admin/collections", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .get(
      "/",
      ({ access, query }) =>
        listCollections(sql, access.storeId, { limit: query.limit ?? DEFAULT_PAGE, cursor: query.cursor }),
      {
        query: listQuery,
        detail: { summary: "Collections, newest first" },
        response: documented({
          200: t.Object({ items: t.Array(collectionView), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .post(
      "/",
      async ({ author, body, set }) => {
        const collection = await createCollection(sql, author, body);
        bus.poke();
        set.status = 201;
        set.headers.location = `/admin/collections/${collection.id}`;
        set.headers.etag = versionTag(collection.version);
        return collection;
      },
      {
        body: newCollection,
        detail: {
          summary: "Add a collection",
          description:
            "With `productIds` it is picked by hand, in that order; with `rule` a job gathers its products, and goes on doing so when products change.",
        },
        response: documented({ 201: collectionView }),
      },
    )
    .get(
      "/:id",
      async ({ access, params: { id }, set }) => {
        const collection = await getCollection(sql, access.storeId, id);
        if (!collection) throw notFound("collection");
        set.headers.etag = versionTag(collection.version);
        return collection;
      },
      { params, detail: { summary: "One collection" }, response: documented({ 200: collectionView }) },
    )
    .patch(
      "/:id",
      async ({ author, params: { id }, body, request, set }) => {
        const collection = await changeCollection(sql, author, id, expectedVersion(request.headers), body);
        bus.poke();
        set.headers.etag = versionTag(collection.version);
        return collection;
      },
      {
        params,
        body: collectionChange,
        detail: {
          summary: "Change a collection",
          description:
            "`productIds` is the whole list, in order. `rule: null` ends the rule. Wants `If-Match`.",
        },
        response: documented({ 200: collectionView }),
      },
    )
    .delete(
      "/:id",
      async ({ author, params: { id }, request }) => {
        await removeCollection(sql, author, id, expectedVersion(request.headers));
        bus.poke();
      },
      {
        params,
        detail: { summary: "Remove a collection; its products stay", description: "Wants `If-Match`." },
        response: documented({ 204: t.Void() }),
      },
    );
}
