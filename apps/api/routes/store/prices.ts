/** `POST /store/prices/resolve`: what items cost, and by which rule. */
import { Elysia, t } from "elysia";
import { listLimits, resolvePrices } from "../../../../commerce/pricing/index.ts";
import { Problem } from "../../../../platform/errors.ts";
import type { Db } from "../../../../platform/postgres/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { authenticate } from "../../http/auth.ts";
import type { RequestMeta } from "../../http/context.ts";
import { documented } from "../../http/documented.ts";
import { currencyCode } from "../admin/price-lists.schema.ts";
import { quantity, reference } from "./carts.schema.ts";

const closed = { additionalProperties: false };

const body = t.Object(
  {
    currency: t.Optional(currencyCode),
    items: t.Array(t.Object({ variantId: reference, quantity }, closed), {
      minItems: 1,
      maxItems: listLimits.resolved,
    }),
    segmentIds: t.Optional(
      t.Array(reference, {
        maxItems: listLimits.segments,
        description: "counts only with a secret key, as Authorization: Bearer sk_…",
      }),
    ),
  },
  closed,
);

const minor = t.Integer({ description: "minor units" });

const view = t.Object({
  currency: t.String(),
  items: t.Array(
    t.Object({
      variantId: t.String(),
      quantity: t.Integer(),
      amountMinor: t.Nullable(minor, { description: "for one; null: no price in this currency" }),
      compareAtMinor: t.Nullable(minor),
      source: t.Nullable(t.String({ description: "base, sale:<list> or override:<list>" })),
    }),
  ),
});

type Asker = { storeId: string; isBackOffice: boolean };

/**
 * A shop front comes with its publishable key; a back office with a secret key, alone or beside the publishable one of
 * the same store. Only the latter may say whose prices it asks for. Other bearers (a customer's session) open nothing.
 */
async function askerOf(sql: Db, headers: Headers): Promise<Asker> {
  const hasSecret = /^Bearer +sk_/i.test(headers.get("authorization") ?? "");
  const secret = hasSecret ? await authenticate(sql, headers, "secret") : null;
  if (secret && !headers.has("x-publishable-key")) return { storeId: secret.storeId!, isBackOffice: true };
  const shop = await authenticate(sql, headers, "publishable");
  if (secret && secret.storeId !== shop.storeId) {
    throw new Problem(403, "forbidden", "The secret key is another store's.");
  }
  return { storeId: shop.storeId!, isBackOffice: secret !== null };
}

export function priceRoutes(deps: ApiDeps) {
  const { sql } = deps;
  return new Elysia({ prefix: "/store/prices", detail: { tags: ["store"] } })
    .derive(async context => {
      const asker = await askerOf(sql, context.request.headers);
      (context as unknown as { meta: RequestMeta }).meta.storeId = asker.storeId;
      return { asker };
    })
    .post(
      "/resolve",
      ({ asker: { storeId, isBackOffice }, body: { currency, items, segmentIds } }) =>
        resolvePrices(sql, storeId, {
          currency,
          items,
          segmentIds: isBackOffice ? segmentIds : [],
          unpublished: isBackOffice,
        }),
      {
        body,
        detail: {
          summary: "Prices of up to 100 items, with the rule that gave each",
          description:
            "An override goes before a sale, a sale before the base price where it is lower; of several the lowest. Variants that this store does not sell are a 422 that names them.",
        },
        response: documented({ 200: view }),
      },
    );
}
