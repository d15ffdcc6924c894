/** The SQL that reads products for shops and search, and keeps what media told of them. */
import type { Sql } from "../../platform/postgres/index.ts";
import type { ListQuery, ProductRecord } from "./read.ts";

/** In no particular order; drafts and archived ones too. One statement, however many products. */
export async function selectProducts(sql: Sql, storeId: string, ids: string[]): Promise<ProductRecord[]> {
  return sql<ProductRecord[]>`
    SELECT p.id, p.handle, p.title, p.description, p.vendor, p.type, p.status, p.tags, p.version,
      p.updated_at AS "updatedAt",
      ARRAY(SELECT o.name FROM catalog.option o
            WHERE o.store_id = p.store_id AND o.product_id = p.id ORDER BY o.position) AS "optionNames",
      coalesce((SELECT jsonb_agg(jsonb_build_object('id', c.id, 'handle', c.handle, 'title', c.title)
                                 ORDER BY c.handle)
                FROM catalog.product_category pc
                JOIN catalog.category c ON c.store_id = pc.store_id AND c.id = pc.category_id
                WHERE pc.store_id = p.store_id AND pc.product_id = p.id), '[]') AS categories,
      coalesce((SELECT jsonb_agg(jsonb_build_object('id', v.id, 'title', v.title, 'sku', v.sku,
                  'barcode', v.barcode, 'optionValues', v.option_values) ORDER BY v.position, v.id)
                FROM catalog.variant v WHERE v.store_id = p.store_id AND v.product_id = p.id), '[]') AS variants,
      coalesce((SELECT jsonb_agg(jsonb_build_object('src', i.src, 'alt', i.alt) ORDER BY i.position)
                FROM catalog.product_image i
                WHERE i.store_id = p.store_id AND i.product_id = p.id), '[]') AS images,
      coalesce((SELECT jsonb_agg(jsonb_build_object('assetId', m.asset_id, 'alt', m.alt,
                  'placeholder', m.placeholder, 'variants', m.variants) ORDER BY m.position, m.asset_id)
                FROM catalog.product_media m
                WHERE m.store_id = p.store_id AND m.product_id = p.id), '[]') AS media
    FROM catalog.product p
    WHERE p.store_id = ${storeId} AND p.id = ANY(${ids})`;
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

/** A product of the list with the value that it is sorted by. */
export type Listed = { id: string; key: string | number };

/** Sorted last: a product without a price. Above every price, below 2^53. */
const NO_PRICE = 9_000_000_000_000_000;

/** Active products after the query's place, in its order; `limit` of them at most. */
export async function selectPage(sql: Sql, storeId: string, query: ListQuery): Promise<Listed[]> {
  const { after, limit, currency } = query;
  const rest = matching(sql, storeId, query);
  switch (query.sort) {
    case "newest":
      return sql<Listed[]>`
        SELECT p.id, p.id AS key FROM catalog.product p
        WHERE ${rest} ${after ? sql`AND p.id < ${after.id}` : sql``}
        ORDER BY p.id DESC LIMIT ${limit}`;
    case "title":
      return sql<Listed[]>`
        SELECT p.id, lower(p.title) AS key FROM catalog.product p
        WHERE ${rest} ${after ? sql`AND (lower(p.title), p.id) > (${String(after.key)}, ${after.id})` : sql``}
        ORDER BY lower(p.title), p.id LIMIT ${limit}`;
    default: {
      const descending = query.sort === "-price";
      const key = sql`coalesce(f.amount_minor, ${descending ? -1 : NO_PRICE}::bigint)`;
      const operator = descending ? sql`<` : sql`>`;
      const direction = descending ? sql`DESC` : sql`ASC`;
      return sql<Listed[]>`
        SELECT p.id, ${key} AS key
        FROM catalog.product p LEFT JOIN pricing.floors(${storeId}, ${currency}) f ON f.product_id = p.id
        WHERE ${rest}
          ${after ? sql`AND (${key}, p.id) ${operator} (${Number(after.key)}::bigint, ${after.id})` : sql``}
        ORDER BY 2 ${direction}, p.id ${direction} LIMIT ${limit}`;
    }
  }
}

function matching(sql: Sql, storeId: string, { category, q }: ListQuery) {
  const inCategory = category
    ? sql`AND EXISTS (
        SELECT FROM catalog.product_category pc
        JOIN catalog.category c ON c.store_id = pc.store_id AND c.id = pc.category_id
        WHERE pc.store_id = p.store_id AND pc.product_id = p.id
          AND (c.id = ${category} OR c.handle = ${category}))`
    : sql``;
  const pattern = q ? `%${q.replace(/[\\%_]/g, "\\$&")}%` : null;
  const named = pattern ? sql`AND (p.title ILIKE ${pattern} OR p.vendor ILIKE ${pattern})` : sql``;
  return sql`p.store_id = ${storeId} AND p.status = 'active' ${inCategory} ${named}`;
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

/** The caller holds the asset's lock. The products whose pictures changed: none when all is as it was, or the product is not there. */
export async function upsertMedia(sql: Sql, storeId: string, media: Media): Promise<string[]> {
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
    SET product_id = excluded.product_id, position = excluded.position, alt = excluded.alt,
        placeholder = excluded.placeholder, variants = excluded.variants
    WHERE (m.product_id, m.position, m.alt, m.placeholder, m.variants) IS DISTINCT FROM
          (excluded.product_id, excluded.position, excluded.alt, excluded.placeholder, excluded.variants)
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
