/** Shipping methods. */
import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import {
  changeShippingMethod,
  createShippingMethod,
  deleteShippingMethod,
  getShippingMethod,
  limits,
  listShippingMethods,
  methodStatuses,
} from "../../../../commerce/shipping/index.ts";
import { taxCategories } from "../../../../commerce/taxes/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { expectedVersion, versionTag } from "../../http/if-match.ts";
import { oneOf } from "../../http/one-of.ts";
import { amount, countryCode, currencyCode, title } from "./price-lists.schema.ts";
import { idParams, page } from "./price-lists.ts";

const DEFAULT_PAGE = 100;
const closed = { additionalProperties: false };
const time = t.String({ format: "date-time" });

const settings = {
  countries: t.Optional(
    t.Array(countryCode, {
      maxItems: limits.countries,
      description: "where it is offered; empty: everywhere",
    }),
  ),
  freeOverMinor: Type.Optional(
    Type.Union([amount, Type.Null()], { description: "free when the goods cost this or more; null: never" }),
  ),
  taxCategory: t.Optional(oneOf(taxCategories)),
  status: t.Optional(oneOf(methodStatuses, { description: "default active" })),
};

const newMethod = t.Object(
  { name: title(limits.name), amountMinor: amount, currency: t.Optional(currencyCode), ...settings },
  closed,
);

const methodChange = t.Object(
  { name: t.Optional(title(limits.name)), amountMinor: Type.Optional(amount), ...settings },
  closed,
);

const methodView = t.Object({
  id: t.String(),
  name: t.String(),
  currency: t.String(),
  amountMinor: t.Integer(),
  countries: t.Array(t.String()),
  freeOverMinor: t.Nullable(t.Integer()),
  taxCategory: oneOf(taxCategories),
  status: oneOf(methodStatuses),
  version: t.Integer(),
  createdAt: time,
  updatedAt: time,
});

export function shippingMethodRoutes(deps: ApiDeps) {
  const { sql } = deps;
  const response = documented({ 200: methodView });
  return new Elysia({ prefix: "/admin/shipping-methods", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .post(
      "/",
      async ({ author, body, set }) => {
        const method = await createShippingMethod(sql, author, body);
        set.status = 201;
        set.headers.location = `/admin/shipping-methods/${method.id}`;
        set.headers.etag = versionTag(method.version);
        return method;
      },
      {
        body: newMethod,
        detail: { summary: "A new shipping method", description: "409 `too_many_shipping_methods`." },
        response: documented({ 201: methodView }),
      },
    )
    .get(
      "/",
      ({ access, query }) =>
        listShippingMethods(sql, access.storeId, { ...query, limit: query.limit ?? DEFAULT_PAGE }),
      {
        query: t.Object({ ...page, status: t.Optional(oneOf(methodStatuses)) }, closed),
        detail: { summary: "Shipping methods, oldest first" },
        response: documented({
          200: t.Object({ items: t.Array(methodView), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .get(
      "/:id",
      async ({ access, params, set }) => {
        const method = await getShippingMethod(sql, access.storeId, params.id);
        set.headers.etag = versionTag(method.version);
        return method;
      },
      { params: idParams, detail: { summary: "One shipping method" }, response },
    )
    .patch(
      "/:id",
      async ({ author, params, body, request, set }) => {
        const expected = expectedVersion(request.headers);
        const method = await changeShippingMethod(sql, author, params.id, expected, body);
        set.headers.etag = versionTag(method.version);
        return method;
      },
      {
        params: idParams,
        body: methodChange,
        detail: {
          summary: "Change a shipping method",
          description: "Wants `If-Match`. Open carts follow at once; orders keep what they were bought with.",
        },
        response,
      },
    )
    .delete(
      "/:id",
      async ({ author, params, request, set }) => {
        await deleteShippingMethod(sql, author, params.id, expectedVersion(request.headers));
        set.status = 204;
      },
      {
        params: idParams,
        detail: { summary: "Delete a shipping method", description: "Wants `If-Match`." },
        response: documented({ 204: t.Void() }),
      },
    );
}
