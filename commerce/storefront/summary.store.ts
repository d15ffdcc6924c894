/** The SQL that writes summaries and listings. Whoever calls it holds the catalog's lock of groups. */
import type { Sql, Tx } from "../../platform/postgres/index.ts";
import type { Facts } from "../collections/index.ts";
import type { ProductImage, ProductSummary } from "./model.ts";

export type SummaryRow = {
  productId: string;
  handle: string;
  title: string;
  vendor: string;
  type: string;
  image: ProductImage | null;
  currency: string;
  priceMinor: number | null;
  compareAtMinor: number | null;
  available: number;
  inStock: boolean;
  categoryIds: readonly string[];
  collectionIds: readonly string[];
  tags: readonly string[];
  popularity: number;
  version: number;
  createdAt: Date;
  document: ProductSummary;
};

export type ListingRow = {
  productId: string;
  /** `''`: the list of all. */
  groupId: string;
  rank: number;
};

export async function selectPopularity(
  sql: Sql,
  storeId: string,
  productIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await sql<{ productId: string; units: number }[]>`
    SELECT product_id AS "productId", units FROM storefront.popularity
    WHERE store_id = ${storeId} AND product_id = ANY(${productIds as string[]})`;
  return new Map(rows.map(row => [row.productId, row.units]));
}

/** Removes the summaries of products that shops don't show any more, and their listings; tells which of both there were. */
export async function deleteSummaries(
  tx: Tx,
  storeId: string,
  ids: readonly string[],
): Promise<{ productIds: string[]; groupIds: string[] }> {
  if (ids.length === 0) return { productIds: [], groupIds: [] };
  const groups = await tx<{ groupId: string }[]>`
    DELETE FROM storefront.listing WHERE store_id = ${storeId} AND product_id = ANY(${ids as string[]})
    RETURNING group_id AS "groupId"`;
  const rows = await tx<{ productId: string }[]>`
    DELETE FROM storefront.product_summary WHERE store_id = ${storeId} AND product_id = ANY(${ids as string[]})
    RETURNING product_id AS "productId"`;
  return { productIds: rows.map(row => row.productId), groupIds: groups.map(row => row.groupId) };
}

/** Writes what differs and returns those; `grouped`: in the collections that it names. */
export async function upsertSummaries(
  tx: Tx,
  storeId: string,
  rows: readonly SummaryRow[],
): Promise<{ productId: string; grouped: boolean }[]> {
  if (rows.length === 0) return [];
  return tx<{ productId: string; grouped: boolean }[]>`
    INSERT INTO storefront.product_summary AS s
      (store_id, product_id, handle, title, vendor, type, image, currency, price_minor, compare_at_minor, available,
       in_stock, category_ids, collection_ids, tags, popularity, product_version, created_at, document, words)
    SELECT ${storeId}, n."productId", n.handle, n.title, n.vendor, n.type, n.image, n.currency, n."priceMinor",
           n."compareAtMinor", n.available, n."inStock", n."categoryIds", n."collectionIds", n.tags, n.popularity,
           n.version, n."createdAt", n.document, lower(n.title || E'\n' || n.vendor)
    FROM jsonb_to_recordset(${tx.json(rows as never)}) AS n ("productId" text, handle text, title text, vendor text,
      type text, image jsonb, currency text, "priceMinor" bigint, "compareAtMinor" bigint, available bigint,
      "inStock" boolean, "categoryIds" text[], "collectionIds" text[], tags text[], popularity bigint, version bigint,
      "createdAt" timestamptz, document jsonb)
    ON CONFLICT (store_id, product_id) DO UPDATE
    SET handle = excluded.handle, title = excluded.title, vendor = excluded.vendor, type = excluded.type,
        image = excluded.image, currency = excluded.currency, price_minor = excluded.price_minor,
        compare_at_minor = excluded.compare_at_minor, available = excluded.available, in_stock = excluded.in_stock,
        category_ids = excluded.category_ids, collection_ids = excluded.collection_ids, tags = excluded.tags,
        popularity = excluded.popularity, product_version = excluded.product_version, document = excluded.document,
        words = excluded.words, updated_at = now()
    WHERE (s.document, s.category_ids, s.popularity, s.in_stock, s.product_version) IS DISTINCT FROM
          (excluded.document, excluded.category_ids, excluded.popularity, excluded.in_stock, excluded.product_version)
    RETURNING s.product_id AS "productId",
              old.document -> 'collections' IS DISTINCT FROM new.document -> 'collections' AS grouped`;
}

export type ListChange = { groupId: string; what: "members" | "title" | "price" };

/**
 * Makes `rows` the whole of what these products are listed in; sort keys come from their summaries. Returns which lists are
 * others now, and in what.
 */
export async function replaceListings(
  tx: Tx,
  storeId: string,
  productIds: readonly string[],
  rows: readonly ListingRow[],
): Promise<ListChange[]> {
  if (productIds.length === 0) return [];
  const given = tx`jsonb_to_recordset(${tx.json(rows as never)}) AS n ("productId" text, "groupId" text, rank bigint)`;
  const left = await tx<{ groupId: string }[]>`
    DELETE FROM storefront.listing l
    WHERE l.store_id = ${storeId} AND l.product_id = ANY(${productIds as string[]})
      AND (l.product_id, l.group_id) NOT IN (SELECT n."productId", n."groupId" FROM ${given})
    RETURNING l.group_id AS "groupId"`;
  // Of a row that is new, all of `old` is null.
  const written = await tx<{ groupId: string; members: boolean; title: boolean; price: boolean }[]>`
    INSERT INTO storefront.listing AS l (store_id, group_id, product_id, title_key, price_minor, popularity, rank)
    SELECT s.store_id, n."groupId", s.product_id, lower(s.title), s.price_minor, s.popularity, n.rank
    FROM ${given}
    JOIN storefront.product_summary s ON s.store_id = ${storeId} AND s.product_id = n."productId"
    ON CONFLICT (store_id, group_id, product_id) DO UPDATE
    SET title_key = excluded.title_key, price_minor = excluded.price_minor, popularity = excluded.popularity,
        rank = excluded.rank
    WHERE (l.title_key, l.price_minor, l.popularity, l.rank) IS DISTINCT FROM
          (excluded.title_key, excluded.price_minor, excluded.popularity, excluded.rank)
    RETURNING l.group_id AS "groupId", old.rank IS DISTINCT FROM new.rank AS members,
              old.title_key IS DISTINCT FROM new.title_key AS title,
              old.price_minor IS DISTINCT FROM new.price_minor AS price`;
  return [
    ...left.map(({ groupId }) => ({ groupId, what: "members" as const })),
    ...written.flatMap(({ groupId, ...was }) =>
      (["members", "title", "price"] as const).filter(what => was[what]).map(what => ({ groupId, what })),
    ),
  ];
}

export type GroupMember = Facts & {
  productId: string;
  member: boolean;
  rank: number | null;
  /** Its summary names the group as it is called now. */
  named: boolean;
};

/** Products of the store after the id `after`, with what a rule looks at and how they stand to a collection. */
export async function selectCandidates(
  sql: Sql,
  storeId: string,
  group: { id: string; handle: string; title: string },
  page: { after: string; limit: number },
): Promise<GroupMember[]> {
  const { id, handle, title } = group;
  return sql<GroupMember[]>`
    SELECT s.product_id AS "productId", s.tags, s.vendor, s.type, s.category_ids AS "categoryIds",
           s.price_minor AS "priceMinor", l.product_id IS NOT NULL AS member, l.rank,
           l.product_id IS NOT NULL AND s.document -> 'collections' @> ${sql.json([{ id, handle, title }])} AS named
    FROM storefront.product_summary s
    LEFT JOIN storefront.listing l
      ON l.store_id = s.store_id AND l.group_id = ${id} AND l.product_id = s.product_id
    WHERE s.store_id = ${storeId} AND s.product_id > ${page.after}
    ORDER BY s.product_id LIMIT ${page.limit}`;
}

/** Members of a group, in the order of their ids. */
export async function selectMembers(
  sql: Sql,
  storeId: string,
  groupId: string,
  page: { after: string; limit: number },
): Promise<string[]> {
  const rows = await sql<{ productId: string }[]>`
    SELECT product_id AS "productId" FROM storefront.listing
    WHERE store_id = ${storeId} AND group_id = ${groupId} AND product_id > ${page.after}
    ORDER BY product_id LIMIT ${page.limit}`;
  return rows.map(row => row.productId);
}

/** Ids of summaries after `after`, up to `last` where it is given. */
export async function selectSummaryIds(
  sql: Sql,
  storeId: string,
  range: { after: string; last: string | null; limit: number },
): Promise<string[]> {
  const rows = await sql<{ productId: string }[]>`
    SELECT product_id AS "productId" FROM storefront.product_summary
    WHERE store_id = ${storeId} AND product_id > ${range.after}
      ${range.last === null ? sql`` : sql`AND product_id <= ${range.last}`}
    ORDER BY product_id LIMIT ${range.limit}`;
  return rows.map(row => row.productId);
}
