/** Products as the back office sees them: what shops see, in any status, and what only merchants need to know. */
import { notFound } from "../../platform/errors.ts";
import { isId } from "../../platform/ids.ts";
import type { Page } from "../../platform/page.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import { type AdminQuery, basePrices, listProductIds } from "../catalog/index.ts";
import { type Composed, compose, currencyOf } from "./documents.ts";
import type { ProductDocument, VariantDocument } from "./model.ts";

export type BasePrice = { currency: string; amountMinor: number; compareAtMinor: number | null };

export type AdminVariant = VariantDocument & {
  grams: number;
  requiresShipping: boolean;
  taxable: boolean;
  /** Base prices in every currency; `price` is what one costs anyone now. */
  prices: BasePrice[];
};

export type AdminProduct = Omit<ProductDocument, "variants"> & {
  version: number;
  createdAt: string;
  variants: AdminVariant[];
};

/** One product in any status. @throws Problem 404. */
export async function adminProduct(sql: Sql, storeId: string, id: string): Promise<AdminProduct> {
  const [product] = isId("prod", id) ? await adminProducts(sql, storeId, [id]) : [];
  if (!product) throw notFound("product");
  return product;
}

/** One page, newest first; the number of statements does not depend on its length. */
export async function adminProductList(
  sql: Sql,
  storeId: string,
  query: AdminQuery,
): Promise<Page<AdminProduct>> {
  const { items: ids, nextCursor } = await listProductIds(sql, storeId, query);
  return { items: await adminProducts(sql, storeId, ids), nextCursor };
}

async function adminProducts(sql: Sql, storeId: string, ids: readonly string[]): Promise<AdminProduct[]> {
  const currency = await currencyOf(sql, storeId);
  const composed = await compose(sql, storeId, ids, { currency, collections: "written", anyStatus: true });
  const variantIds = composed.flatMap(({ record }) => record.variants.map(variant => variant.id));
  const prices = Map.groupBy(await basePrices(sql, storeId, variantIds), price => price.variantId);
  return composed.map(one => adminDocument(one, prices));
}

function adminDocument(
  { record, document }: Composed,
  prices: ReadonlyMap<string, readonly (BasePrice & { variantId: string })[]>,
): AdminProduct {
  const variants = document.variants.map((variant, index) => {
    const { grams, requiresShipping, taxable } = record.variants[index]!;
    const own = (prices.get(variant.id) ?? []).map(({ variantId: _, ...price }) => price);
    return { ...variant, grams, requiresShipping, taxable, prices: own };
  });
  return { ...document, variants, version: record.version, createdAt: record.createdAt.toISOString() };
}
