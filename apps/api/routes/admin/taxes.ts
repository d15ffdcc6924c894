/** Tax rates, the tax settings of a store, and how products are taxed. */
import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import {
  changeTaxRate,
  changeTaxSettings,
  createTaxRate,
  deleteTaxRate,
  getTaxCategory,
  getTaxRate,
  getTaxSettings,
  limits,
  listTaxRates,
  setTaxCategory,
  taxCategories,
} from "../../../../commerce/taxes/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { expectedVersion, versionTag } from "../../http/if-match.ts";
import { oneOf } from "../../http/one-of.ts";
import { line } from "../store/carts.schema.ts";
import { countryCode, title } from "./price-lists.schema.ts";
import { idParams, page } from "./price-lists.ts";

const DEFAULT_PAGE = 100;

const closed = { additionalProperties: false };
const time = t.String({ format: "date-time" });

const category = oneOf(taxCategories, { description: "default standard; zero: no tax is due" });
const ratePpm = Type.Integer({
  minimum: 0,
  maximum: limits.ratePpm,
  description: "parts per million of the net amount: 190000 is 19 %, 88750 is 8.875 %",
});

const newRate = t.Object(
  {
    country: countryCode,
    region: t.Optional(t.Nullable(line(0, limits.region))),
    category: t.Optional(category),
    name: title(limits.name),
    ratePpm,
  },
  closed,
);

const rateChange = t.Object(
  { name: t.Optional(title(limits.name)), ratePpm: Type.Optional(ratePpm) },
  closed,
);

const rateView = t.Object({
  id: t.String(),
  country: t.String(),
  region: t.Nullable(t.String({ description: "null: all of the country that has no rate of its own" })),
  category: oneOf(taxCategories),
  name: t.String(),
  ratePpm: t.Integer(),
  version: t.Integer(),
  createdAt: time,
  updatedAt: time,
});

const settingsView = t.Object({
  pricesIncludeTax: t.Boolean(),
  defaultCountry: t.Nullable(t.String({ description: "whose rates a cart without an address is shown" })),
  version: t.Integer(),
});

const settingsChange = t.Object(
  { pricesIncludeTax: t.Optional(Type.Boolean()), defaultCountry: t.Optional(t.Nullable(countryCode)) },
  closed,
);

const categoryView = t.Object({ productId: t.String(), category: oneOf(taxCategories) });

export function taxRoutes(deps: ApiDeps) {
  return new Elysia({ prefix: "/admin", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .use(rateRoutes(deps))
    .use(settingRoutes(deps));
}

function rateRoutes(deps: ApiDeps) {
  const { sql } = deps;
  const response = documented({ 200: rateView });
  return new Elysia({ prefix: "/tax-rates" })
    .use(adminAuth(deps))
    .post(
      "/",
      async ({ author, body, set }) => {
        const rate = await createTaxRate(sql, author, body);
        set.status = 201;
        set.headers.location = `/admin/tax-rates/${rate.id}`;
        set.headers.etag = versionTag(rate.version);
        return rate;
      },
      {
        body: newRate,
        detail: {
          summary: "A new tax rate of a country or region",
          description: "409 `tax_rate_exists` when the place has a rate of that category.",
        },
        response: documented({ 201: rateView }),
      },
    )
    .get(
      "/",
      ({ access, query }) =>
        listTaxRates(sql, access.storeId, { ...query, limit: query.limit ?? DEFAULT_PAGE }),
      {
        query: t.Object({ ...page, country: t.Optional(countryCode) }, closed),
        detail: { summary: "Tax rates, oldest first" },
        response: documented({
          200: t.Object({ items: t.Array(rateView), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .get(
      "/:id",
      async ({ access, params, set }) => {
        const rate = await getTaxRate(sql, access.storeId, params.id);
        set.headers.etag = versionTag(rate.version);
        return rate;
      },
      { params: idParams, detail: { summary: "One tax rate" }, response },
    )
    .patch(
      "/:id",
      async ({ author, params, body, request, set }) => {
        const rate = await changeTaxRate(sql, author, params.id, expectedVersion(request.headers), body);
        set.headers.etag = versionTag(rate.version);
        return rate;
      },
      {
        params: idParams,
        body: rateChange,
        detail: { summary: "Change a tax rate", description: "Wants `If-Match`. Orders keep theirs." },
        response,
      },
    )
    .delete(
      "/:id",
      async ({ author, params, request, set }) => {
        await deleteTaxRate(sql, author, params.id, expectedVersion(request.headers));
        set.status = 204;
      },
      {
        params: idParams,
        detail: { summary: "Delete a tax rate", description: "Wants `If-Match`." },
        response: documented({ 204: t.Void() }),
      },
    );
}

function settingRoutes(deps: ApiDeps) {
  const { sql } = deps;
  return new Elysia()
    .use(adminAuth(deps))
    .get(
      "/tax-settings",
      async ({ access, set }) => {
        const settings = await getTaxSettings(sql, access.storeId);
        set.headers.etag = versionTag(settings.version);
        return settings;
      },
      {
        detail: { summary: "Whether prices include tax" },
        response: documented({ 200: settingsView }),
      },
    )
    .patch(
      "/tax-settings",
      async ({ author, body, request, set }) => {
        const settings = await changeTaxSettings(sql, author, expectedVersion(request.headers), body);
        set.headers.etag = versionTag(settings.version);
        return settings;
      },
      {
        body: settingsChange,
        detail: { summary: "Change the tax settings", description: "Wants `If-Match`." },
        response: documented({ 200: settingsView }),
      },
    )
    .get(
      "/products/:id/tax-category",
      async ({ access, params }) => ({
        productId: params.id,
        category: await getTaxCategory(sql, access.storeId, params.id),
      }),
      {
        params: idParams,
        detail: { summary: "How a product is taxed" },
        response: documented({ 200: categoryView }),
      },
    )
    .put(
      "/products/:id/tax-category",
      async ({ author, params, body }) => {
        await setTaxCategory(sql, author, params.id, body.category);
        return { productId: params.id, category: body.category };
      },
      {
        params: idParams,
        body: t.Object({ category }, closed),
        detail: { summary: "Say how a product is taxed" },
        response: documented({ 200: categoryView }),
      },
    );
}
