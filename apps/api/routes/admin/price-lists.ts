/** Price lists: sales and overrides. */
import { Elysia, t } from "elysia";
import {
  changeEntries,
  changePriceList,
  createPriceList,
  deletePriceList,
  getPriceList,
  listEntries,
  listPriceLists,
  listStatuses,
} from "../../../../commerce/pricing/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { expectedVersion, versionTag } from "../../http/if-match.ts";
import { oneOf } from "../../http/one-of.ts";
import {
  entriesChange,
  entryView,
  newPriceList,
  priceListChange,
  priceListView,
} from "./price-lists.schema.ts";

const DEFAULT_PAGE = 20;
const MAX_PAGE = 100;

export const idParams = t.Object({ id: t.String({ maxLength: 200 }) });

export const page = {
  limit: t.Optional(t.Integer({ minimum: 1, maximum: MAX_PAGE })),
  cursor: t.Optional(t.String({ minLength: 1, maxLength: 128 })),
};

export const pageOf = (item: typeof priceListView | typeof entryView) =>
  documented({ 200: t.Object({ items: t.Array(item), nextCursor: t.Nullable(t.String()) }) });

const closed = { additionalProperties: false };
const response = documented({ 200: priceListView });

export function priceListRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  return new Elysia({ prefix: "/admin/price-lists", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .post(
      "/",
      async ({ author, body, set }) => {
        const list = await createPriceList(sql, author, body);
        bus.poke();
        set.status = 201;
        set.headers.location = `/admin/price-lists/${list.id}`;
        set.headers.etag = versionTag(list.version);
        return list;
      },
      {
        body: newPriceList,
        detail: { summary: "A new price list, with its first entries" },
        response: documented({ 201: priceListView }),
      },
    )
    .get(
      "/",
      ({ access, query }) =>
        listPriceLists(sql, access.storeId, { ...query, limit: query.limit ?? DEFAULT_PAGE }),
      {
        query: t.Object({ ...page, status: t.Optional(oneOf(listStatuses)) }, closed),
        detail: { summary: "Price lists, newest first" },
        response: pageOf(priceListView),
      },
    )
    .get(
      "/:id",
      async ({ access, params, set }) => {
        const list = await getPriceList(sql, access.storeId, params.id);
        set.headers.etag = versionTag(list.version);
        return list;
      },
      { params: idParams, detail: { summary: "One price list" }, response },
    )
    .patch(
      "/:id",
      async ({ author, params, body, request, set }) => {
        const list = await changePriceList(sql, author, params.id, expectedVersion(request.headers), body);
        bus.poke();
        set.headers.etag = versionTag(list.version);
        return list;
      },
      {
        params: idParams,
        body: priceListChange,
        detail: { summary: "Change a price list", description: "Wants `If-Match`; null clears a time." },
        response,
      },
    )
    .delete(
      "/:id",
      async ({ author, params, request, set }) => {
        await deletePriceList(sql, author, params.id, expectedVersion(request.headers));
        bus.poke();
        set.status = 204;
      },
      {
        params: idParams,
        detail: { summary: "Delete a price list with its entries", description: "Wants `If-Match`." },
        response: documented({ 204: t.Void() }),
      },
    )
    .get(
      "/:id/entries",
      ({ access, params, query }) =>
        listEntries(sql, access.storeId, params.id, { ...query, limit: query.limit ?? DEFAULT_PAGE }),
      {
        params: idParams,
        query: t.Object(page, closed),
        detail: { summary: "Entries of a price list, by variant and quantity" },
        response: pageOf(entryView),
      },
    )
    .post(
      "/:id/entries",
      async ({ author, params, body, request, set }) => {
        const list = await changeEntries(sql, author, params.id, expectedVersion(request.headers), body);
        bus.poke();
        set.headers.etag = versionTag(list.version);
        return list;
      },
      {
        params: idParams,
        body: entriesChange,
        detail: {
          summary: "Set and remove entries in bulk",
          description:
            "Wants `If-Match`. All or none. An entry to remove without minQuantity removes all of its variant.",
        },
        response,
      },
    );
}
