/** The currencies that a store sells in. */
import { Elysia, t } from "elysia";
import { disableCurrency, enableCurrency, listCurrencies } from "../../../../commerce/pricing/index.ts";
import { getStore } from "../../../../commerce/stores/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { currencyCode } from "./price-lists.schema.ts";

const params = t.Object({ code: currencyCode });

const view = t.Object({
  items: t.Array(
    t.Object({
      code: t.String(),
      exponent: t.Integer({ description: "decimal places of the minor unit" }),
      isDefault: t.Boolean(),
    }),
  ),
  nextCursor: t.Null(),
});

export function currencyRoutes(deps: ApiDeps) {
  const { sql } = deps;
  const shopOf = async (storeId: string) => {
    const shop = await getStore(sql, storeId);
    if (!shop) throw notFound("store");
    return shop;
  };
  const list = async (storeId: string) => ({
    items: await listCurrencies(sql, await shopOf(storeId)),
    nextCursor: null,
  });
  return new Elysia({ prefix: "/admin/currencies", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .get("/", ({ access }) => list(access.storeId), {
      detail: { summary: "Currencies that the store sells in, its own first" },
      response: documented({ 200: view }),
    })
    .put(
      "/:code",
      async ({ access, author, params }) => {
        await enableCurrency(sql, author, await shopOf(access.storeId), params.code);
        return list(access.storeId);
      },
      {
        params,
        detail: { summary: "Sell in this currency too" },
        response: documented({ 200: view }),
      },
    )
    .delete(
      "/:code",
      async ({ access, author, params, set }) => {
        await disableCurrency(sql, author, await shopOf(access.storeId), params.code);
        set.status = 204;
      },
      {
        params,
        detail: {
          summary: "Sell in this currency no more",
          description: "Its prices are kept. 409 `default_currency`: the store's own stays.",
        },
        response: documented({ 204: t.Void() }),
      },
    );
}
