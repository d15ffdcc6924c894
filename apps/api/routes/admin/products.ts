/** Products in the back office. */
import { Elysia, t } from "elysia";
import {
  changeProduct,
  createProduct,
  productStatuses,
  removeProduct,
} from "../../../../commerce/catalog/index.ts";
import { adminProduct, adminProductList } from "../../../../commerce/storefront/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { expectedVersion, versionTag } from "../../http/if-match.ts";
import { oneOf } from "../../http/one-of.ts";
import { adminProductView, newProduct, productChange, textLine } from "./products.schema.ts";

const DEFAULT_PAGE = 24;
const MAX_PAGE = 100;

const params = t.Object({ id: textLine(1, 64) });
const listQuery = t.Object(
  {
    status: t.Optional(oneOf(productStatuses as ["draft", "active", "archived"])),
    q: t.Optional(textLine(1, 200)),
    limit: t.Optional(t.Integer({ minimum: 1, maximum: MAX_PAGE })),
    cursor: t.Optional(t.String({ minLength: 1, maxLength: 128 })),
  },
  { additionalProperties: false },
);

export function adminProductRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;

  /** The product as it is now, with the tag of its version. */
  async function shown(storeId: string, id: string, headers: Record<string, unknown>) {
    const product = await adminProduct(sql, storeId, id);
    headers.etag = versionTag(product.version, product);
    return product;
  }

  return new Elysia({ prefix: "/admin/products", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .get(
      "/",
      ({ access, query }) =>
        adminProductList(sql, access.storeId, { ...query, limit: query.limit ?? DEFAULT_PAGE }),
      {
        query: listQuery,
        detail: {
          summary: "Products of any status, newest first",
          description: "`q` is a part of a title or vendor, or a whole handle or SKU.",
        },
        response: documented({
          200: t.Object({ items: t.Array(adminProductView), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .post(
      "/",
      async ({ author, body, set }) => {
        const id = await createProduct(sql, author, body);
        bus.poke();
        set.status = 201;
        set.headers.location = `/admin/products/${id}`;
        return shown(author.storeId, id, set.headers);
      },
      {
        body: newProduct,
        detail: {
          summary: "Add a product",
          description:
            "A draft unless `status` says otherwise. Without `handle` one is made of the title. Without options it has one variant.",
        },
        response: documented({ 201: adminProductView }),
      },
    )
    .get("/:id", ({ access, params: { id }, set }) => shown(access.storeId, id, set.headers), {
      params,
      detail: { summary: "One product" },
      response: documented({ 200: adminProductView }),
    })
    .patch(
      "/:id",
      async ({ author, params: { id }, body, request, set }) => {
        await changeProduct(sql, author, id, expectedVersion(request.headers), body);
        bus.poke();
        return shown(author.storeId, id, set.headers);
      },
      {
        params,
        body: productChange,
        detail: {
          summary: "Change a product",
          description:
            "Wants `If-Match`: 428 without, 412 when somebody else changed it. `variants`, `images`, `tags`, `categories` and `options` are whole lists: variants with an id or the option values of an existing one change it, others are new, missing ones go.",
        },
        response: documented({ 200: adminProductView }),
      },
    )
    .delete(
      "/:id",
      async ({ author, params: { id }, request, set }) => {
        const result = await removeProduct(sql, author, id, expectedVersion(request.headers));
        bus.poke();
        return result === "archived" ? shown(author.storeId, id, set.headers) : undefined;
      },
      {
        params,
        detail: {
          summary: "Remove a product",
          description:
            "204 when it is gone. A product that was ever sold, or is in a checkout, is archived instead: 200 with the product. Wants `If-Match`.",
        },
        response: documented({ 200: adminProductView, 204: t.Void() }),
      },
    );
}
