/**
 * Postgres as a search engine: full text and trigrams over the columns of `search.document`. The fallback when the other
 * engine does not answer, and the only engine where there is no other.
 *
 * A product is found when each word of the query is in it (stemmed; the last word also as a beginning) or is like a word
 * of its names, or when the whole query is one of its SKUs or barcodes. Words with digits and short words must be exact.
 */
import { lookup } from "../../platform/lookup.ts";
import type { Db, Sql } from "../../platform/postgres/index.ts";
import type { SearchItem } from "../document.ts";
import type { Facets, Found, SearchEngine, SearchQuery, SearchSort } from "../engine.ts";
import { selectSettings } from "../settings.store.ts";
import { facetsOf, filtersOf, meetsOwn, okArray, parted } from "./postgres.facets.ts";
import { allOf, type Fragment, matches, score, wordsOf } from "./postgres.match.ts";

/** Of products that have any of the words, no more are compared. */
const MAX_COMPARED = 5_000;

/** What merchants say changes rarely. */
const settingsLately = lookup((sql, storeId) => selectSettings(sql, storeId));

export function openPostgresEngine(sql: Sql): SearchEngine {
  return { name: "postgres", search: (storeId, query) => search(sql, storeId, query) };
}

const orders: Record<SearchSort | "best", (sql: Sql) => Fragment> = {
  // As the other engine ranks: what can be bought and what sells first among hits that fit equally well.
  best: sql =>
    sql`round(score::numeric, 2) DESC, in_stock DESC, popularity DESC, created_at DESC, product_id`,
  newest: sql => sql`created_at DESC, product_id`,
  title: sql => sql`lower(title), product_id`,
  price: sql => sql`price NULLS LAST, product_id`,
  "-price": sql => sql`price DESC NULLS LAST, product_id`,
};

type Row = { total: number; items: SearchItem[]; descriptions: string[]; facets: Facets };

async function search(sql: Sql, storeId: string, query: SearchQuery): Promise<Found> {
  const { q, exclude, anyWord = false, describe = false } = query;
  const words = wordsOf(q, await settingsLately(sql as Db, storeId));
  const order = orders[query.sort ?? (q === "" ? "newest" : "best")](sql);
  const [always, own] = parted(filtersOf(sql, query), query.facets);
  const filters = allOf(
    sql,
    always.map(one => one.met),
  );
  const description = sql`, coalesce(jsonb_agg(d.document ->> 'description' ORDER BY page.place), '[]') AS descriptions`;
  const [row] = await sql<Row[]>`
    WITH hit AS MATERIALIZED (
      SELECT d.product_id, d.title, d.vendor, d.category, d.tags, d.price, d.in_stock, d.popularity, d.created_at,
        ${okArray(sql, own)} AS ok, ${score(sql, q, words)} AS score
        ${query.facets.includes("option") ? sql`, d.document -> 'options' AS options` : sql``}
      FROM search.document d
      WHERE d.store_id = ${storeId} AND NOT d.deleted AND ${matches(sql, q, words, anyWord)} AND ${filters}
        ${exclude === undefined ? sql`` : sql`AND d.product_id <> ${exclude}`}
      ${anyWord ? sql`LIMIT ${MAX_COMPARED}` : sql``}
    ), page AS (
      SELECT product_id, row_number() OVER (ORDER BY ${order}) AS place
      FROM hit WHERE ${meetsOwn(sql, own)} ORDER BY place LIMIT ${query.limit} OFFSET ${query.offset}
    ), shown AS (
      SELECT coalesce(jsonb_agg(d.document -> 'item' ORDER BY page.place), '[]') AS items
        ${describe ? description : sql``}
      FROM page JOIN search.document d ON d.store_id = ${storeId} AND d.product_id = page.product_id
    )
    SELECT (SELECT count(*) FROM hit WHERE ${meetsOwn(sql, own)}) AS total, shown.*,
      ${facetsOf(sql, query, own)} AS facets
    FROM shown`;
  const { total, items, facets, descriptions } = row!;
  return { total, items, facets, ...(describe ? { descriptions } : {}) };
}
