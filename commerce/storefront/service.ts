import { notFound } from "../../platform/errors.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import { findActiveProduct, listActiveProducts, type ProductSort, readProducts } from "../catalog/index.ts";
import { currentPrices } from "../pricing/index.ts";
import { getStore } from "../stores/index.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { type ProductDocument, type ProductSummary, productDocument, productSummary } from "./model.ts";
import { selectStock } from "./store.ts";

export type ProductQuery = {
  /** Id or handle. */
  category?: string | undefined;
  /** Products are in no collections yet, so none matches. */
  collection?: string | undefined;
  /** Part of a title or vendor. */
  q?: string | undefined;
  /** Default `newest`. */
  sort?: ProductSort | undefined;
  /** 1 to 100; default 24. */
  limit?: number | undefined;
  cursor?: string | undefined;
};

export const MAX_PAGE = 100;
const DEFAULT_PAGE = 24;

async function currencyOf(sql: Sql, storeId: string): Promise<string> {
  const store = await getStore(sql, storeId);
  if (!store) throw notFound("store");
  return store.currency;
}

/** Documents of these products in the order of `ids`, with prices in `currency` and stock: three statements. */
async function documents(sql: Sql, storeId: string, currency: string, ids: readonly string[]) {
  const products = (await readProducts(sql, storeId, ids)).filter(product => product.status === "active");
  if (products.length === 0) return [];
  const variantIds = products.flatMap(product => product.variants.map(variant => variant.id));
  const [prices, stock] = await Promise.all([
    currentPrices(sql, storeId, currency, variantIds),
    selectStock(sql, storeId, variantIds),
  ]);
  const sources = { currency, prices, stock: new Map(stock.map(row => [row.variantId, row])) };
  return products.map(product => productDocument(product, sources));
}

/**
 * Products as shops see them, in the order of `ids`, prices in the store's currency. Missing, draft and archived ones
 * are absent. The number of statements does not depend on the number of products.
 */
export async function productDocuments(
  sql: Sql,
  storeId: string,
  ids: readonly string[],
): Promise<ProductDocument[]> {
  return documents(sql, storeId, await currencyOf(sql, storeId), ids);
}

/** One active product; an id wins over a handle. @throws Problem 404. */
export async function productDetail(sql: Sql, storeId: string, idOrHandle: string): Promise<ProductDocument> {
  const id = await findActiveProduct(sql, storeId, idOrHandle);
  const [document] = id ? await productDocuments(sql, storeId, [id]) : [];
  if (!document) throw notFound("product");
  return document;
}

export type ProductPage = { items: ProductSummary[]; nextCursor: string | null };

/** One page of active products. @throws Problem 422 for a cursor of another list. */
export async function productList(sql: Sql, storeId: string, query: ProductQuery): Promise<ProductPage> {
  const sort = query.sort ?? "newest";
  const limit = Math.min(Math.max(query.limit ?? DEFAULT_PAGE, 1), MAX_PAGE);
  const after = query.cursor === undefined ? undefined : decodeCursor(sort, query.cursor);
  if (query.collection !== undefined) return { items: [], nextCursor: null };
  const currency = await currencyOf(sql, storeId);
  const { category, q } = query;
  // One more than asked for tells whether another page follows.
  const listed = await listActiveProducts(sql, storeId, {
    sort,
    currency,
    limit: limit + 1,
    category,
    q,
    after,
  });
  const page = listed.slice(0, limit);
  const found = await documents(
    sql,
    storeId,
    currency,
    page.map(one => one.id),
  );
  const nextCursor = listed.length > limit ? encodeCursor(sort, page.at(-1)!) : null;
  return { items: found.map(productSummary), nextCursor };
}
