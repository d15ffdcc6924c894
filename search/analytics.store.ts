/** The SQL of what was searched for. Rows are taken in the order of their keys, the same in every process. */
import {
  type Db,
  dayPartitions,
  ensurePartitions,
  retirePartitions,
  type Sql,
} from "../platform/postgres/index.ts";
import type { Count } from "./analytics.ts";

const parents = ["search.query_day", "search.click_day"] as const;
const KEPT_DAYS = 400;
const DAY_MS = 86_400_000;

export async function addSearches(sql: Sql, counts: readonly Count[]): Promise<void> {
  await sql`
    INSERT INTO search.query_day AS t (day, store_id, query, searches, without_result)
    SELECT r.day::date, r."storeId", r.query, (r.sums ->> 0)::bigint, (r.sums ->> 1)::bigint
    FROM jsonb_to_recordset(${sql.json(counts as never)}) AS r (day text, "storeId" text, query text, sums jsonb)
    ORDER BY 2, 1, 3
    ON CONFLICT (store_id, day, query) DO UPDATE SET searches = t.searches + EXCLUDED.searches,
      without_result = t.without_result + EXCLUDED.without_result`;
}

/** Of products that the store has; others are nobody's click. */
export async function addClicks(sql: Sql, counts: readonly Count[]): Promise<void> {
  await sql`
    INSERT INTO search.click_day AS t (day, store_id, query, product_id, clicks, places)
    SELECT r.day::date, r."storeId", r.query, r."productId", (r.sums ->> 0)::bigint, (r.sums ->> 1)::bigint
    FROM jsonb_to_recordset(${sql.json(counts as never)})
      AS r (day text, "storeId" text, query text, "productId" text, sums jsonb)
    JOIN search.document d ON d.store_id = r."storeId" AND d.product_id = r."productId"
    ORDER BY 2, 1, 3, 4
    ON CONFLICT (store_id, day, query, product_id) DO UPDATE SET clicks = t.clicks + EXCLUDED.clicks,
      places = t.places + EXCLUDED.places`;
}

/** For keepers: partitions of the next days; those of more than a year ago go. */
export async function ensureSearchPartitions(sql: Db, now: Date): Promise<void> {
  for (const parent of parents) {
    const boundary = (begin: Date) => begin.toISOString().slice(0, 10);
    await ensurePartitions(sql, { parent, key: "day", period: "day", boundary, now });
    const old = (await dayPartitions(sql, parent)).filter(
      ({ begin }) => begin.getTime() < now.getTime() - KEPT_DAYS * DAY_MS,
    );
    await retirePartitions(
      sql,
      old.map(({ name }) => ({ parent, name, survives: "false" })),
    );
  }
}

export type Span = { readonly from: string; readonly to: string };

export type Totals = { searches: number; withoutResult: number; clicks: number };

export async function selectTotals(sql: Sql, storeId: string, { from, to }: Span): Promise<Totals> {
  const [row] = await sql<Totals[]>`
    SELECT q.searches, q.without AS "withoutResult", c.clicks
    FROM (SELECT coalesce(sum(searches), 0)::bigint AS searches, coalesce(sum(without_result), 0)::bigint AS without
          FROM search.query_day WHERE store_id = ${storeId} AND day BETWEEN ${from} AND ${to}) q,
         (SELECT coalesce(sum(clicks), 0)::bigint AS clicks
          FROM search.click_day WHERE store_id = ${storeId} AND day BETWEEN ${from} AND ${to}) c`;
  return row!;
}

export type QueryFigures = {
  query: string;
  searches: number;
  withoutResult: number;
  clicks: number;
  /** Mean place of what was chosen, from 1; null without clicks. */
  meanPosition: number | null;
};

/** The most frequent queries; `fruitless`: those that mostly found nothing, by how often they did. */
export async function selectQueries(
  sql: Sql,
  storeId: string,
  span: Span,
  options: { limit: number; fruitless: boolean },
): Promise<QueryFigures[]> {
  const { from, to } = span;
  const order = options.fruitless ? sql`without DESC` : sql`searches DESC`;
  return sql<QueryFigures[]>`
    WITH top AS (
      SELECT query, sum(searches)::bigint AS searches, sum(without_result)::bigint AS without
      FROM search.query_day WHERE store_id = ${storeId} AND day BETWEEN ${from} AND ${to} GROUP BY query
      HAVING ${options.fruitless ? sql`sum(without_result) * 2 > sum(searches)` : sql`true`}
      ORDER BY ${order}, query LIMIT ${options.limit}
    ), chosen AS (
      SELECT query, sum(clicks)::bigint AS clicks, sum(places)::float8 / sum(clicks) AS place
      FROM search.click_day WHERE store_id = ${storeId} AND day BETWEEN ${from} AND ${to}
        AND query IN (SELECT query FROM top) GROUP BY query
    )
    SELECT query, searches, without AS "withoutResult", coalesce(clicks, 0) AS clicks,
      round(place::numeric, 2)::float8 AS "meanPosition"
    FROM top LEFT JOIN chosen USING (query) ORDER BY ${order}, query`;
}

export type ProductFigures = { productId: string; title: string | null; clicks: number };

export async function selectClicked(
  sql: Sql,
  storeId: string,
  { from, to }: Span,
  limit: number,
): Promise<ProductFigures[]> {
  return sql<ProductFigures[]>`
    SELECT top.product_id AS "productId", nullif(d.title, '') AS title, top.clicks
    FROM (SELECT product_id, sum(clicks)::bigint AS clicks FROM search.click_day
          WHERE store_id = ${storeId} AND day BETWEEN ${from} AND ${to}
          GROUP BY product_id ORDER BY 2 DESC, 1 LIMIT ${limit}) top
    LEFT JOIN search.document d ON d.store_id = ${storeId} AND d.product_id = top.product_id
    ORDER BY top.clicks DESC, 1`;
}

export type FrequentQuery = { storeId: string; query: string };

/** What was looked for most since yesterday in all these stores together, and found. */
export async function mostSearched(
  sql: Sql,
  storeIds: readonly string[],
  limit: number,
): Promise<FrequentQuery[]> {
  return sql<FrequentQuery[]>`
    SELECT store_id AS "storeId", query FROM search.query_day
    WHERE store_id = ANY(${storeIds as string[]}) AND day >= (now() AT TIME ZONE 'UTC')::date - 1
    GROUP BY store_id, query HAVING sum(without_result) * 2 < sum(searches)
    ORDER BY sum(searches) DESC, store_id, query LIMIT ${limit}`;
}

const POPULAR_DAYS = 30;
const MAX_POPULAR = 1_000;

/** Queries of the last weeks that found something, most frequent first. */
export async function selectPopular(sql: Sql, storeId: string): Promise<string[]> {
  const rows = await sql<{ query: string }[]>`
    SELECT query FROM search.query_day
    WHERE store_id = ${storeId} AND day > (now() AT TIME ZONE 'UTC')::date - ${POPULAR_DAYS}::integer
    GROUP BY query HAVING sum(without_result) * 2 < sum(searches)
    ORDER BY sum(searches) DESC, query LIMIT ${MAX_POPULAR}`;
  return rows.map(row => row.query);
}
