import { notFound } from "../../platform/errors.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import { findActiveProduct } from "../catalog/index.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { compose, currencyOf } from "./documents.ts";
import { selectListing } from "./list.store.ts";
import type { ProductDocument, ProductSummary } from "./model.ts";
import type { ProductSort } from "./sorts.ts";

export type ProductQuery = {
  /** Id or handle; with all categories below it. */
  category?: string | undefined;
  /** Id or handle. */
  collection?: string | undefined;
  /** Part of a title or vendor. */
  q?: string | undefined;
  /** Default `newest`, in a collection `position`. */
  sort?: ProductSort | undefined;
  /** 1 to 100; default 24. */
  limit?: number | undefined;
  cursor?: string | undefined;
};

export const MAX_PAGE = 100;
const DEFAULT_PAGE = 24;

/**
 * Products as shops see them, in the order of `ids`, prices in the store's currency. Missing, draft and archived ones
 * are absent. The number of statements does not depend on the number of products.
 */
export async function productDocuments(
  sql: Sql,
  storeId: string,
  ids: readonly string[],
): Promise<ProductDocument[]> {
  const currency = await currencyOf(sql, storeId);
  const composed = await compose(sql, storeId, ids, { currency, collections: "computed" });
  return composed.map(one => one.document);
}

/** One active product; an id wins over a handle. @throws Problem 404. */
export async function productDetail(sql: Sql, storeId: string, idOrHandle: string): Promise<ProductDocument> {
  const [id, currency] = await Promise.all([
    findActiveProduct(sql, storeId, idOrHandle),
    currencyOf(sql, storeId),
  ]);
  const [found] = id ? await compose(sql, storeId, [id], { currency, collections: "written" }) : [];
  if (!found) throw notFound("product");
  return found.document;
}

export type ProductPage = { items: ProductSummary[]; nextCursor: string | null };

/** One page of active products: one statement. @throws Problem 422 for a cursor of another list. */
export async function productList(sql: Sql, storeId: string, query: ProductQuery): Promise<ProductPage> {
  const { category, collection, q } = query;
  const sort = query.sort ?? (collection === undefined ? "newest" : "position");
  const limit = Math.min(Math.max(query.limit ?? DEFAULT_PAGE, 1), MAX_PAGE);
  const after = query.cursor === undefined ? undefined : decodeCursor(sort, query.cursor);
  // One more than asked for tells whether another page follows.
  const listed = await selectListing(sql, storeId, {
    sort,
    limit: limit + 1,
    category,
    collection,
    q,
    after,
  });
  const page = listed.slice(0, limit);
  const nextCursor = listed.length > limit ? encodeCursor(sort, page.at(-1)!) : null;
  return { items: page.map(one => one.document), nextCursor };
}
