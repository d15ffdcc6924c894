/**
 * Postgres as a search engine: full text and trigrams over the columns of `search.document`. The fallback when the other
 * engine does not answer, and the only engine where there is no other.
 *
 * A product is found when each word of the query is in it (stemmed; the last word also as a beginning) or is like a word
 * of its names, or when the whole query is one of its SKUs or barcodes. Words with digits and short words must be exact.
 */
import type { Row as AnyRow, PendingQuery } from "postgres";
import type { Sql } from "../../platform/postgres/index.ts";
import type { SearchItem } from "../document.ts";
import type { FacetName, Facets, Found, SearchEngine, SearchQuery, SearchSort } from "../engine.ts";
import { fold } from "../fold.ts";

const MAX_WORDS = 10;
/** Shorter words are not forgiven a typing error. */
const MIN_LIKE_LENGTH = 5;
const MAX_FACET_VALUES = 100;

export function openPostgresEngine(sql: Sql): SearchEngine {
  return { name: "postgres", search: (storeId, query) => search(sql, storeId, query) };
}

type Fragment = PendingQuery<AnyRow[]>;

type Word = { readonly text: string; readonly like: boolean; readonly beginning: boolean };

function wordsOf(q: string): Word[] {
  const words = (fold(q).match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, MAX_WORDS);
  const beginsOnly = !/\s$/.test(q);
  return words.map((text, index) => ({
    text,
    like: text.length >= MIN_LIKE_LENGTH && !/\p{N}/u.test(text),
    beginning: beginsOnly && index === words.length - 1,
  }));
}

/** Words hold letters and digits only, so that they can't be operators. */
function tsquery(sql: Sql, word: Word): Fragment {
  return sql`to_tsquery('english', ${word.beginning ? `${word.text}:*` : word.text})`;
}

/** A word that the text configuration drops ("the") is no condition. */
function hasWord(sql: Sql, word: Word): Fragment {
  const query = tsquery(sql, word);
  const like = word.like ? sql`OR ${word.text} <% d.names` : sql``;
  return sql`(numnode(${query}) = 0 OR d.words @@ ${query} ${like})`;
}

function all(sql: Sql, conditions: Fragment[]): Fragment {
  return conditions.reduce((joined, one) => sql`${joined} AND ${one}`);
}

function matches(sql: Sql, q: string, words: readonly Word[]): Fragment {
  if (q === "") return sql`true`;
  const code = sql`d.codes @> ARRAY[${q.toLowerCase()}]`;
  if (words.length === 0) return code;
  const hasAll = all(
    sql,
    words.map(word => hasWord(sql, word)),
  );
  return sql`(${code} OR (${hasAll}))`;
}

function filters(sql: Sql, query: SearchQuery): Fragment {
  const conditions = [sql`true`];
  if (query.category !== undefined) {
    const value = query.category.toLowerCase();
    conditions.push(sql`(d.category @> ARRAY[${value}] OR d.category_ids @> ARRAY[${value}])`);
  }
  if (query.vendor !== undefined) conditions.push(sql`lower(d.vendor) = lower(${query.vendor})`);
  if (query.priceMin !== undefined) conditions.push(sql`d.price >= ${query.priceMin}`);
  if (query.priceMax !== undefined) conditions.push(sql`d.price <= ${query.priceMax}`);
  if (query.inStock !== undefined) conditions.push(sql`d.in_stock = ${query.inStock}`);
  return all(sql, conditions);
}

/** How well it fits: exact codes first, then where the words stand, then how much the title is like the query. */
function score(sql: Sql, q: string, words: readonly Word[]): Fragment {
  if (words.length === 0) return sql`0`;
  const any = words.map(word => tsquery(sql, word)).reduce((joined, one) => sql`${joined} || ${one}`);
  return sql`(d.codes @> ARRAY[${q.toLowerCase()}])::int * 10
    + ts_rank('{0.05, 0.2, 0.4, 1}', d.words, ${any})
    + word_similarity(${fold(q)}, d.names) + similarity(${fold(q)}, d.title)`;
}

const orders: Record<SearchSort | "best", (sql: Sql) => Fragment> = {
  best: sql => sql`score DESC, created_at DESC, product_id`,
  newest: sql => sql`created_at DESC, product_id`,
  title: sql => sql`lower(title), product_id`,
  price: sql => sql`price NULLS LAST, product_id`,
  "-price": sql => sql`price DESC NULLS LAST, product_id`,
};

type Row = { total: number; items: SearchItem[]; facets: Facets };

async function search(sql: Sql, storeId: string, query: SearchQuery): Promise<Found> {
  const words = wordsOf(query.q);
  const order = orders[query.sort ?? (query.q === "" ? "newest" : "best")](sql);
  const [row] = await sql<Row[]>`
    WITH hit AS MATERIALIZED (
      SELECT d.product_id, d.title, d.vendor, d.category, d.tags, d.price, d.in_stock, d.created_at,
        ${score(sql, query.q, words)} AS score
      FROM search.document d
      WHERE d.store_id = ${storeId} AND NOT d.deleted AND ${matches(sql, query.q, words)} AND ${filters(sql, query)}
    ), page AS (
      SELECT product_id, row_number() OVER (ORDER BY ${order}) AS place
      FROM hit ORDER BY place LIMIT ${query.limit} OFFSET ${query.offset}
    )
    SELECT (SELECT count(*) FROM hit) AS total,
      (SELECT coalesce(jsonb_agg(d.document -> 'item' ORDER BY page.place), '[]')
        FROM page JOIN search.document d ON d.store_id = ${storeId} AND d.product_id = page.product_id) AS items,
      ${facets(sql, query.facets)} AS facets`;
  return { total: row!.total, items: row!.items, facets: row!.facets };
}

const facetValues: Record<Exclude<FacetName, "price">, (sql: Sql) => Fragment> = {
  category: sql => sql`SELECT unnest(category) AS value FROM hit`,
  tag: sql => sql`SELECT unnest(tags) AS value FROM hit`,
  vendor: sql => sql`SELECT vendor AS value FROM hit WHERE vendor <> ''`,
  inStock: sql => sql`SELECT in_stock::text AS value FROM hit`,
};

function facets(sql: Sql, names: readonly FacetName[]): Fragment {
  const parts = names.map(name => sql`jsonb_build_object(${name}::text, ${facet(sql, name)})`);
  return parts.reduce((joined, one) => sql`${joined} || ${one}`, sql`'{}'::jsonb`);
}

function facet(sql: Sql, name: FacetName): Fragment {
  if (name === "price") {
    return sql`(SELECT CASE WHEN count(price) = 0 THEN '{}'::jsonb
      ELSE jsonb_build_object('min', min(price), 'max', max(price)) END FROM hit)`;
  }
  return sql`(SELECT coalesce(jsonb_object_agg(value, products), '{}') FROM (
    SELECT value, count(*) AS products FROM (${facetValues[name](sql)}) one
    GROUP BY value ORDER BY products DESC, value LIMIT ${MAX_FACET_VALUES}) counted)`;
}
