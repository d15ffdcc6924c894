/** The SQL that reads products for shops and search, and keeps what media told of them. */
import type { Sql } from "../../platform/postgres/index.ts";
import type { ProductRecord } from "./read.ts";

type Base = Omit<
  ProductRecord,
  "createdAt" | "updatedAt" | "optionNames" | "categories" | "categoryIds" | "variants" | "images" | "media"
> & { createdAt: string; updatedAt: string };

/** By product; null: none of them has any. */
type By<T> = Record<string, T[]> | null;

type Parts = {
  products: Base[] | null;
  options: By<string>;
  categories: By<ProductRecord["categories"][number] & { path: string[] }>;
  variants: By<ProductRecord["variants"][number]>;
  images: By<ProductRecord["images"][number]>;
  media: By<ProductRecord["media"][number]>;
};

/**
 * In no particular order; drafts and archived ones too. One statement, however many products, and each table read once for all of them: a
 * subquery for each product costs twice as much. `json`, not `jsonb`: what is only written out costs half as much.
 */
export async function selectProducts(sql: Sql, storeId: string, ids: string[]): Promise<ProductRecord[]> {
  const [parts] = await sql<[Parts]>`
    WITH p AS (
      SELECT p.id, p.handle, p.title, p.description, p.vendor, p.type, p.status, p.tags, p.version,
             p.created_at AS "createdAt", p.updated_at AS "updatedAt"
      FROM catalog.product p WHERE p.store_id = ${storeId} AND p.id = ANY(${ids})
    ), o AS (
      SELECT o.product_id, json_agg(o.name ORDER BY o.position) AS list
      FROM catalog.option o WHERE o.store_id = ${storeId} AND o.product_id = ANY(${ids}) GROUP BY o.product_id
    ), c AS (
      SELECT pc.product_id, json_agg(json_build_object('id', c.id, 'handle', c.handle, 'title', c.title, 'path', c.path)
                                     ORDER BY c.handle) AS list
      FROM catalog.product_category pc
      JOIN catalog.category c ON c.store_id = pc.store_id AND c.id = pc.category_id
      WHERE pc.store_id = ${storeId} AND pc.product_id = ANY(${ids}) GROUP BY pc.product_id
    ), v AS (
      SELECT v.product_id, json_agg(json_build_object('id', v.id, 'title', v.title, 'sku', v.sku, 'barcode', v.barcode,
               'optionValues', v.option_values, 'grams', v.grams, 'requiresShipping', v.requires_shipping,
               'taxable', v.taxable) ORDER BY v.position, v.id) AS list
      FROM catalog.variant v WHERE v.store_id = ${storeId} AND v.product_id = ANY(${ids}) GROUP BY v.product_id
    ), i AS (
      SELECT i.product_id, json_agg(json_build_object('src', i.src, 'alt', i.alt) ORDER BY i.position) AS list
      FROM catalog.product_image i WHERE i.store_id = ${storeId} AND i.product_id = ANY(${ids}) GROUP BY i.product_id
    ), m AS (
      SELECT m.product_id, json_agg(json_build_object('assetId', m.asset_id, 'alt', m.alt, 'placeholder', m.placeholder,
               'variants', m.variants) ORDER BY m.position, m.asset_id) AS list
      FROM catalog.product_media m
      WHERE m.store_id = ${storeId} AND m.product_id = ANY(${ids}) AND NOT m.hidden GROUP BY m.product_id
    )
    SELECT (SELECT json_agg(p) FROM p) AS products,
      (SELECT json_object_agg(o.product_id, o.list) FROM o) AS options,
      (SELECT json_object_agg(c.product_id, c.list) FROM c) AS categories,
      (SELECT json_object_agg(v.product_id, v.list) FROM v) AS variants,
      (SELECT json_object_agg(i.product_id, i.list) FROM i) AS images,
      (SELECT json_object_agg(m.product_id, m.list) FROM m) AS media`;
  return (parts.products ?? []).map(base => recordOf(base, parts));
}

function recordOf(base: Base, { options, categories, variants, images, media }: Parts): ProductRecord {
  const { id, createdAt, updatedAt } = base;
  const own = categories?.[id] ?? [];
  return {
    ...base,
    createdAt: new Date(createdAt),
    updatedAt: new Date(updatedAt),
    optionNames: options?.[id] ?? [],
    categories: own.map(({ path: _, ...category }) => category),
    categoryIds: [...new Set(own.flatMap(category => category.path))].sort(),
    variants: variants?.[id] ?? [],
    images: images?.[id] ?? [],
    media: media?.[id] ?? [],
  };
}

/** The product with this id, else the one with this handle. */
export async function selectProductId(
  sql: Sql,
  storeId: string,
  idOrHandle: string,
): Promise<{ id: string } | null> {
  const [row] = await sql<{ id: string }[]>`
    SELECT id FROM catalog.product
    WHERE store_id = ${storeId} AND status = 'active' AND (id = ${idOrHandle} OR handle = ${idOrHandle})
    ORDER BY id = ${idOrHandle} DESC LIMIT 1`;
  return row ?? null;
}

export type Media = {
  assetId: string;
  productId: string;
  position: number;
  alt: string;
  placeholder: string | null;
  variants: readonly unknown[];
};

export async function lockAsset(sql: Sql, storeId: string, assetId: string): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`catalog:${storeId}:${assetId}`}, 0))`;
}

/**
 * The caller holds the asset's lock. The products whose pictures changed: none when all is as it was, or the product is
 * not there. What an admin arranged stays as arranged, unless the picture moves to another product.
 */
export async function upsertMedia(sql: Sql, storeId: string, media: Media): Promise<string[]> {
  // An admin may arrange at this very moment: what stands is read by the conflicting row itself, not before it.
  const keeps = sql`m.arranged AND m.product_id = excluded.product_id`;
  const place = sql`CASE WHEN ${keeps} THEN m.position ELSE excluded.position END`;
  const alt = sql`CASE WHEN ${keeps} THEN m.alt ELSE excluded.alt END`;
  const rows = await sql<{ productId: string; formerId: string | null }[]>`
    WITH former AS MATERIALIZED (
      SELECT product_id FROM catalog.product_media
      WHERE store_id = ${storeId} AND asset_id = ${media.assetId})
    INSERT INTO catalog.product_media AS m
      (store_id, asset_id, product_id, position, alt, placeholder, variants)
    SELECT ${storeId}, ${media.assetId}, p.id, ${media.position}, ${media.alt}, ${media.placeholder},
           ${sql.json(media.variants as never)}
    FROM catalog.product p WHERE p.store_id = ${storeId} AND p.id = ${media.productId}
    ON CONFLICT (store_id, asset_id) DO UPDATE
    SET product_id = excluded.product_id, position = ${place}, alt = ${alt}, placeholder = excluded.placeholder,
        variants = excluded.variants, arranged = ${keeps}, hidden = m.hidden AND ${keeps}
    WHERE (m.product_id, m.position, m.alt, m.placeholder, m.variants) IS DISTINCT FROM
          (excluded.product_id, ${place}, ${alt}, excluded.placeholder, excluded.variants)
    RETURNING product_id AS "productId", (SELECT product_id FROM former) AS "formerId"`;
  return [...new Set(rows.flatMap(row => [row.productId, row.formerId ?? row.productId]))];
}

export async function deleteMedia(sql: Sql, storeId: string, assetId: string): Promise<string[]> {
  const rows = await sql<{ productId: string }[]>`
    DELETE FROM catalog.product_media WHERE store_id = ${storeId} AND asset_id = ${assetId}
    RETURNING product_id AS "productId"`;
  return rows.map(row => row.productId);
}

/** Pictures belong to the product: its version and time of change move with them. */
export async function touchProducts(sql: Sql, storeId: string, ids: string[]): Promise<void> {
  await sql`
    UPDATE catalog.product SET version = version + 1, updated_at = now()
    WHERE store_id = ${storeId} AND id = ANY(${ids})`;
}

export async function selectExists(sql: Sql, storeId: string, productId: string): Promise<boolean> {
  const rows = await sql`
    SELECT FROM catalog.product WHERE store_id = ${storeId} AND id = ${productId}`;
  return rows.length > 0;
}

export async function selectIdsAfter(
  sql: Sql,
  storeId: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM catalog.product WHERE store_id = ${storeId} AND id > ${after} ORDER BY id LIMIT ${limit}`;
  return rows.map(row => row.id);
}

export async function selectCount(sql: Sql, storeId: string): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    SELECT count(*) FROM catalog.product WHERE store_id = ${storeId}`;
  return row!.count;
}

export async function selectPaths(
  sql: Sql,
  storeId: string,
  ids: readonly string[],
): Promise<{ id: string; path: { id: string; handle: string; title: string }[] }[]> {
  return sql<{ id: string; path: { id: string; handle: string; title: string }[] }[]>`
    SELECT c.id, (SELECT jsonb_agg(jsonb_build_object('id', a.id, 'handle', a.handle, 'title', a.title) ORDER BY p.n)
                  FROM unnest(c.path) WITH ORDINALITY p(id, n)
                  JOIN catalog.category a ON a.store_id = c.store_id AND a.id = p.id) AS path
    FROM catalog.category c WHERE c.store_id = ${storeId} AND c.id = ANY(${ids as string[]})`;
}
