/** Products as they are read: without prices and stock, which the storefront adds. */
import type { Sql } from "../../platform/postgres/index.ts";
import type { Image, ProductStatus } from "./model.ts";
import { type Listed, selectExists, selectPage, selectProductId, selectProducts } from "./store.read.ts";

export type ProductRecord = {
  id: string;
  handle: string;
  title: string;
  description: string;
  vendor: string;
  type: string;
  status: ProductStatus;
  tags: string[];
  version: number;
  updatedAt: Date;
  optionNames: string[];
  categories: { id: string; handle: string; title: string }[];
  variants: {
    id: string;
    title: string;
    sku: string | null;
    barcode: string | null;
    optionValues: string[];
  }[];
  images: Image[];
  media: { assetId: string; alt: string; placeholder: string | null; variants: unknown[] }[];
};

export const productSorts = ["newest", "title", "price", "-price"] as const;
export type ProductSort = (typeof productSorts)[number];

export type ListQuery = {
  sort: ProductSort;
  /** Whose prices `price` and `-price` sort by. */
  currency: string;
  limit: number;
  /** Id or handle. */
  category?: string | undefined;
  /** Part of a title or vendor. */
  q?: string | undefined;
  /** The last product of the page before, with the value that it was sorted by. */
  after?: Listed | undefined;
};

export type { Listed };

/** Products by id, in the order of `ids`; unknown ones are absent. */
export async function readProducts(
  sql: Sql,
  storeId: string,
  ids: readonly string[],
): Promise<ProductRecord[]> {
  if (ids.length === 0) return [];
  const found = await selectProducts(sql, storeId, ids as string[]);
  const byId = new Map(found.map(product => [product.id, product]));
  return ids.flatMap(id => byId.get(id) ?? []);
}

/** The id of an active product, by id or handle. */
export async function findActiveProduct(
  sql: Sql,
  storeId: string,
  idOrHandle: string,
): Promise<string | null> {
  return (await selectProductId(sql, storeId, idOrHandle))?.id ?? null;
}

/** One page of active products. */
export function listActiveProducts(sql: Sql, storeId: string, query: ListQuery): Promise<Listed[]> {
  return selectPage(sql, storeId, query);
}

/** True for a product of the store in any status. */
export function productExists(sql: Sql, storeId: string, productId: string): Promise<boolean> {
  return selectExists(sql, storeId, productId);
}
