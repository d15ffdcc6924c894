/** Products as they are read: without prices and stock, which the storefront adds. */
import type { Sql } from "../../platform/postgres/index.ts";
import type { Image, ProductStatus } from "./model.ts";
import {
  selectCount,
  selectExists,
  selectIdsAfter,
  selectPaths,
  selectProductId,
  selectProducts,
} from "./store.read.ts";

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
  createdAt: Date;
  updatedAt: Date;
  optionNames: string[];
  categories: { id: string; handle: string; title: string }[];
  /** Ids of those and of all above them. */
  categoryIds: string[];
  variants: {
    id: string;
    title: string;
    sku: string | null;
    barcode: string | null;
    optionValues: string[];
    grams: number;
    requiresShipping: boolean;
    taxable: boolean;
  }[];
  images: Image[];
  media: { assetId: string; alt: string; placeholder: string | null; variants: unknown[] }[];
};

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

/** True for a product of the store in any status. */
export function productExists(sql: Sql, storeId: string, productId: string): Promise<boolean> {
  return selectExists(sql, storeId, productId);
}

/** Ids of the store's products in any status, in their order, after `after`. */
export function productIdsAfter(sql: Sql, storeId: string, after: string, limit: number): Promise<string[]> {
  return selectIdsAfter(sql, storeId, after, limit);
}

/** In any status. */
export function countProducts(sql: Sql, storeId: string): Promise<number> {
  return selectCount(sql, storeId);
}

/** For each of these categories the way to it, from the root down, itself included. */
export async function categoryPaths(
  sql: Sql,
  storeId: string,
  ids: readonly string[],
): Promise<Map<string, { id: string; handle: string; title: string }[]>> {
  const rows = ids.length === 0 ? [] : await selectPaths(sql, storeId, ids);
  return new Map(rows.map(row => [row.id, row.path]));
}
