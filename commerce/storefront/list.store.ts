/**
 * The SQL of lists. Each order of each list (all products, a category with what is below it, a collection) is one range
 * of one index of `storefront.listing`, read from where the page before ended; the documents follow by primary key. A test asks
 * Postgres for its plans.
 */
import type { PendingQuery, Row } from "postgres";
import type { Sql } from "../../platform/postgres/index.ts";
import type { ProductSummary } from "./model.ts";
import type { Place, ProductSort } from "./sorts.ts";

export type ListingQuery = {
  sort: ProductSort;
  limit: number;
  category?: string | undefined;
  collection?: string | undefined;
  q?: string | undefined;
  after?: Place | undefined;
};

export type Listed = Place & { document: ProductSummary };

/** Products of the list after the query's place, in its order; `limit` of them at most. */
export async function selectListing(sql: Sql, storeId: string, query: ListingQuery): Promise<Listed[]> {
  const { key, comparison, direction } = orderOf(sql, query);
  // As a scalar subquery the document is fetched for the rows of the page only, whatever the planner thinks of joins.
  return sql<Listed[]>`
    SELECT l.product_id AS id, ${key} AS key,
      (SELECT s.document FROM storefront.product_summary s
       WHERE s.store_id = l.store_id AND s.product_id = l.product_id) AS document
    FROM storefront.listing l
    WHERE l.store_id = ${storeId} AND ${within(sql, storeId, query)} ${named(sql, query)}
      ${behind(sql, query, key, comparison)}
    ORDER BY ${key} ${direction}, l.product_id ${direction} LIMIT ${query.limit}`;
}

/** The ids behind a category and a collection as they are asked for; null: there is none of that name. */
export async function selectGroups(
  sql: Sql,
  storeId: string,
  { category, collection }: { category?: string | undefined; collection?: string | undefined },
): Promise<{ categoryId: string | null; collectionId: string | null }> {
  const [row] = await sql<{ categoryId: string | null; collectionId: string | null }[]>`
    SELECT catalog.find_category(${storeId}, ${category ?? ""}) AS "categoryId",
           collections.find(${storeId}, ${collection ?? ""}) AS "collectionId"`;
  return row!;
}

type Fragment = PendingQuery<Row[]>;

function behind(sql: Sql, { sort, after }: ListingQuery, key: Fragment, comparison: Fragment): Fragment {
  if (!after) return sql``;
  if (sort === "newest") return sql`AND l.product_id < ${after.id}`;
  return sql`AND (${key}, l.product_id) ${comparison} (${after.key}, ${after.id})`;
}

function orderOf(sql: Sql, { sort }: ListingQuery) {
  const up = { comparison: sql`>`, direction: sql`ASC` };
  const down = { comparison: sql`<`, direction: sql`DESC` };
  switch (sort) {
    case "newest":
      return { key: sql`l.product_id`, ...down };
    case "title":
      return { key: sql`l.title_key`, ...up };
    case "price":
      return { key: sql`coalesce(l.price_minor, 9000000000000000)`, ...up };
    case "-price":
      return { key: sql`coalesce(l.price_minor, -1)`, ...down };
    case "popularity":
      return { key: sql`l.popularity`, ...down };
    case "position":
      return { key: sql`l.rank`, ...down };
  }
}

/** The list: its group is looked up once, before the scan. A product of both a category and a collection is in both lists. */
function within(sql: Sql, storeId: string, { category, collection }: ListingQuery) {
  const ofCategory = sql`(SELECT catalog.find_category(${storeId}, ${category ?? ""}))`;
  const ofCollection = sql`(SELECT collections.find(${storeId}, ${collection ?? ""}))`;
  if (category === undefined) return sql`l.group_id = ${collection === undefined ? sql`''` : ofCollection}`;
  if (collection === undefined) return sql`l.group_id = ${ofCategory}`;
  return sql`l.group_id = ${ofCollection} AND EXISTS (
    SELECT FROM storefront.listing o
    WHERE o.store_id = l.store_id AND o.group_id = ${ofCategory} AND o.product_id = l.product_id)`;
}

function named(sql: Sql, { q }: ListingQuery) {
  if (q === undefined) return sql``;
  const pattern = `%${q.replace(/[\\%_]/g, "\\$&")}%`;
  return sql`AND EXISTS (
    SELECT FROM storefront.product_summary s
    WHERE s.store_id = l.store_id AND s.product_id = l.product_id AND s.words LIKE lower(${pattern}))`;
}
