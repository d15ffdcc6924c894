import type { Sql } from "../../platform/postgres/index.ts";

export type PopularProduct = { storeId: string; id: string; handle: string };

/** Those that sold most in all these stores together, one range of one index a store. */
export async function mostPopular(
  sql: Sql,
  storeIds: readonly string[],
  limit: number,
): Promise<PopularProduct[]> {
  return sql<PopularProduct[]>`
    WITH top AS (
      SELECT one.store_id, one.product_id, one.popularity
      FROM unnest(${storeIds as string[]}::text[]) AS s (id), LATERAL (
        SELECT l.store_id, l.product_id, l.popularity FROM storefront.listing l
        WHERE l.store_id = s.id AND l.group_id = ''
        ORDER BY l.popularity DESC, l.product_id DESC LIMIT ${limit}
      ) one
      ORDER BY one.popularity DESC, one.product_id DESC LIMIT ${limit}
    )
    SELECT top.store_id AS "storeId", top.product_id AS id, s.handle
    FROM top JOIN storefront.product_summary s USING (store_id, product_id)
    ORDER BY top.popularity DESC, top.product_id DESC`;
}
