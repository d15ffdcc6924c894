/** The SQL of the vocabulary. */
import type { Sql } from "../platform/postgres/index.ts";

/** Of one shop; the most frequent. */
const MAX_WORDS = 50_000;
const STORES_AT_ONCE = 20;

/** Words that are like these or begin with them, with the number of products that have them. */
export async function selectLikeWords(
  sql: Sql,
  storeId: string,
  words: readonly string[],
): Promise<{ word: string; products: number }[]> {
  return sql<{ word: string; products: number }[]>`
    SELECT near.word, near.products
    FROM unnest(${words as string[]}::text[]) q (word)
    CROSS JOIN LATERAL (
      SELECT w.word, w.products FROM search.word w
      WHERE w.store_id = ${storeId} AND (w.word % q.word OR w.word LIKE q.word || '%')
      ORDER BY similarity(w.word, q.word) DESC, w.products DESC LIMIT 20) near`;
}

export async function selectUnlearned(sql: Sql): Promise<{ storeId: string; generation: number }[]> {
  return sql<{ storeId: string; generation: number }[]>`
    SELECT store_id AS "storeId", generation FROM search.content
    WHERE generation <> learned_generation AND learned_at < now() - interval '10 minutes'
    ORDER BY learned_at LIMIT ${STORES_AT_ONCE}`;
}

/** One statement: whoever reads meanwhile sees all of the old words or all of the new ones. */
export async function writeWords(sql: Sql, storeId: string, generation: number): Promise<void> {
  await sql`
    WITH due AS (
      UPDATE search.content SET learned_generation = ${generation}, learned_at = now()
      WHERE store_id = ${storeId} AND learned_generation < ${generation} RETURNING 1
    ), counted AS MATERIALIZED (
      SELECT w AS word, count(DISTINCT d.product_id)::integer AS products
      FROM due, search.document d, regexp_split_to_table(d.names, '[^[:alnum:]]+') w
      WHERE d.store_id = ${storeId} AND NOT d.deleted AND length(w) BETWEEN 3 AND 40
      GROUP BY w ORDER BY products DESC, w LIMIT ${MAX_WORDS}
    ), gone AS (
      DELETE FROM search.word old WHERE old.store_id = ${storeId} AND EXISTS (SELECT FROM due)
        AND NOT EXISTS (SELECT FROM counted c WHERE c.word = old.word)
    )
    INSERT INTO search.word AS known (store_id, word, products)
    SELECT ${storeId}, word, products FROM counted ORDER BY word
    ON CONFLICT (store_id, word) DO UPDATE SET products = EXCLUDED.products
    WHERE known.products <> EXCLUDED.products`;
}
