/** The SQL that only the back office needs. */
import type { Sql, Tx } from "../../platform/postgres/index.ts";
import type { VariantPrice } from "./edit.model.ts";
import type { ProductStatus } from "./model.ts";

/** Its handle and version, locked to the end of the transaction. */
export async function lockProduct(
  tx: Tx,
  storeId: string,
  id: string,
): Promise<{ handle: string; version: number } | null> {
  const [row] = await tx<{ handle: string; version: number }[]>`
    SELECT handle, version FROM catalog.product WHERE store_id = ${storeId} AND id = ${id} FOR UPDATE`;
  return row ?? null;
}

/** Handles in use that are `base` or begin with `base-`. */
export async function selectProductHandles(sql: Sql, storeId: string, base: string): Promise<string[]> {
  const rows = await sql<{ handle: string }[]>`
    SELECT handle FROM catalog.product
    WHERE store_id = ${storeId} AND (handle = ${base} OR handle LIKE ${`${base.replace(/[\\%_]/g, "\\$&")}-%`})`;
  return rows.map(row => row.handle);
}

/** Ids, newest first. `q`: part of a title or vendor, or a handle or SKU. */
export async function selectAdminPage(
  sql: Sql,
  storeId: string,
  page: {
    status: ProductStatus | undefined;
    q: string | undefined;
    before: string | undefined;
    limit: number;
  },
): Promise<string[]> {
  const { status, q, before, limit } = page;
  const pattern = q === undefined ? null : `%${q.replace(/[\\%_]/g, "\\$&")}%`;
  const named =
    q === undefined
      ? sql``
      : sql`AND (p.title ILIKE ${pattern} OR p.vendor ILIKE ${pattern} OR p.handle = ${q}
                 OR p.id = (SELECT v.product_id FROM catalog.variant v WHERE v.store_id = ${storeId} AND v.sku = ${q}))`;
  const rows = await sql<{ id: string }[]>`
    SELECT p.id FROM catalog.product p
    WHERE p.store_id = ${storeId} ${status === undefined ? sql`` : sql`AND p.status = ${status}`}
      ${before === undefined ? sql`` : sql`AND p.id < ${before}`} ${named}
    ORDER BY p.id DESC LIMIT ${limit}`;
  return rows.map(row => row.id);
}

export async function deleteVariants(tx: Tx, storeId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx`DELETE FROM catalog.variant WHERE store_id = ${storeId} AND id = ANY(${ids as string[]})`;
  // Each for itself: stock of one that was sold stays, for what is still to be committed or given back.
  await tx`SELECT inventory.forget(${storeId}, ARRAY[v]) FROM unnest(${ids as string[]}::text[]) AS v ORDER BY v`;
}

export async function deleteProduct(tx: Tx, storeId: string, id: string): Promise<void> {
  await tx`DELETE FROM catalog.product WHERE store_id = ${storeId} AND id = ${id}`;
}

export async function archiveProduct(tx: Tx, storeId: string, id: string): Promise<void> {
  await tx`
    UPDATE catalog.product SET status = 'archived', version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} AND id = ${id} AND status <> 'archived'`;
}

/** Gives the stock levels of all these variants up, or of none: false where units were sold, are held or on their way. */
export async function forgetStock(tx: Tx, storeId: string, variantIds: readonly string[]): Promise<boolean> {
  const [row] = await tx<{ yes: boolean }[]>`
    SELECT inventory.forget(${storeId}, ${variantIds as string[]}) AS yes`;
  return row!.yes;
}

export type BasePrice = VariantPrice;

export async function selectBasePrices(
  sql: Sql,
  storeId: string,
  variantIds: readonly string[],
): Promise<BasePrice[]> {
  return sql<BasePrice[]>`
    SELECT variant_id AS "variantId", currency, amount_minor AS "amountMinor", compare_at_minor AS "compareAtMinor"
    FROM pricing.base_prices(${storeId}, ${variantIds as string[]}) ORDER BY currency, variant_id`;
}

export type MediaPlace = { assetId: string; alt: string };

/** The product's own pictures that are shown, in order, and the ids of those that were taken off it. */
export async function selectMediaPlaces(
  sql: Sql,
  storeId: string,
  productId: string,
): Promise<(MediaPlace & { hidden: boolean })[]> {
  return sql<(MediaPlace & { hidden: boolean })[]>`
    SELECT asset_id AS "assetId", alt, hidden FROM catalog.product_media
    WHERE store_id = ${storeId} AND product_id = ${productId} ORDER BY position, asset_id`;
}

/** Shows these pictures in this order, and no others of the product. */
export async function arrangeMedia(
  tx: Tx,
  storeId: string,
  productId: string,
  places: readonly MediaPlace[],
): Promise<void> {
  await tx`
    UPDATE catalog.product_media m
    SET arranged = true, hidden = n."assetId" IS NULL, position = coalesce(n.n, m.position), alt = coalesce(n.alt, m.alt)
    FROM catalog.product_media o
    LEFT JOIN ROWS FROM (jsonb_to_recordset(${tx.json(places as never)}) AS ("assetId" text, alt text))
      WITH ORDINALITY AS n("assetId", alt, n) ON n."assetId" = o.asset_id
    WHERE o.store_id = ${storeId} AND o.product_id = ${productId}
      AND m.store_id = o.store_id AND m.asset_id = o.asset_id`;
}
