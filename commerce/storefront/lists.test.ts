import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type FreshDatabase, freshDatabase } from "../../platform/testing/index.ts";
import { createStore } from "../stores/index.ts";
import { type ProductQuery, type ProductSort, productList, productSorts } from "./index.ts";

const PRODUCTS = 20_000;
let db: FreshDatabase;
let storeId: string;
const category = "cat_00000001";
const collection = "col_00000001";

/** Summaries and listings in bulk, as the jobs would have written them: every third in a category, every fifth picked. */
beforeAll(async () => {
  db = await freshDatabase();
  const { sql } = db;
  storeId = (await createStore(sql, { name: "Big", currency: "EUR" })).id;
  await sql`INSERT INTO catalog.category (store_id, id, handle, title, path)
            VALUES (${storeId}, ${category}, 'third', 'Third', ARRAY[${category}])`;
  await sql`INSERT INTO collections.collection (store_id, id, handle, title)
            VALUES (${storeId}, ${collection}, 'fifth', 'Fifth')`;
  await sql`
    INSERT INTO storefront.product_summary
      (store_id, product_id, handle, title, vendor, type, currency, price_minor, available, in_stock, category_ids,
       collection_ids, tags, popularity, product_version, created_at, document, words)
    SELECT ${storeId}, 'prod_' || lpad(n::text, 10, '0'), 'h-' || n, 'Title ' || (n * 7919) % 5000, 'V', '', 'EUR',
           CASE WHEN n % 50 > 0 THEN (n::bigint * 104729) % 3000 END, 1, true, '{}', '{}', '{}', (n * 31) % 40, 1, now(),
           jsonb_build_object('id', 'prod_' || lpad(n::text, 10, '0'), 'n', n, 'filler', repeat('x', 1500)), 'title ' || n
    FROM generate_series(1, ${PRODUCTS}::integer) n`;
  await sql`
    INSERT INTO storefront.listing (store_id, group_id, product_id, title_key, price_minor, popularity, rank)
    SELECT s.store_id, g.id, s.product_id, lower(s.title), s.price_minor, s.popularity,
           CASE WHEN g.id = ${collection} THEN -right(s.product_id, 10)::bigint ELSE 0 END
    FROM storefront.product_summary s
    CROSS JOIN LATERAL (VALUES ('', 1), (${category}, 3), (${collection}, 5)) g(id, each)
    WHERE right(s.product_id, 10)::bigint % g.each = 0`;
  await sql`VACUUM ANALYZE storefront.listing`;
  await sql`VACUUM ANALYZE storefront.product_summary`;
}, 60_000);
afterAll(() => db.drop());

const list = (query: ProductQuery) => productList(db.sql, storeId, query);
const groups: ProductQuery[] = [{}, { category: "third" }, { collection: "fifth" }];
const indexes: Record<ProductSort, string> = {
  newest: "listing_pkey",
  title: "listing_title",
  price: "listing_cheapest",
  "-price": "listing_dearest",
  popularity: "listing_popularity",
  position: "listing_rank",
};

describe("a list of 20,000 products", () => {
  test("is one statement and one range of one index, in every order, of every list, on every page", async () => {
    for (const sort of productSorts) {
      for (const group of groups) {
        const first = await list({ ...group, sort });
        for (const cursor of [undefined, first.nextCursor!]) {
          const plans = await db.statements.plansDuring(db.sql, () => list({ ...group, sort, cursor }));
          expect(plans).toHaveLength(1);
          const types = plans[0]!.map(node => node.type);
          expect([sort, group, types.filter(type => /Seq Scan|Sort|Bitmap/.test(type))]).toEqual([
            sort,
            group,
            [],
          ]);
          const scan = plans[0]!.find(node => node.index?.startsWith("listing"))!;
          expect([sort, group, scan.index]).toEqual([sort, group, indexes[sort]]);
          expect(scan.rows).toBeLessThanOrEqual(25);
        }
      }
    }
  });

  test("pages through everything once, in order, also where many are equal and some have no price", async () => {
    for (const sort of productSorts) {
      const seen: string[] = [];
      for (let cursor: string | undefined = ""; cursor !== undefined; ) {
        const page = await list({ category, sort, limit: 100, cursor: cursor || undefined });
        seen.push(...page.items.map(item => item.id));
        cursor = page.nextCursor ?? undefined;
      }
      expect(seen).toHaveLength(Math.floor(PRODUCTS / 3));
      expect(new Set(seen).size).toBe(seen.length);
    }
  });

  test("puts products without a price last, up and down", async () => {
    const prices = async (sort: ProductSort) => {
      const [row] =
        await db.sql`SELECT count(*) AS n FROM storefront.listing WHERE group_id = '' AND price_minor IS NULL`;
      const { items } = await list({ sort, limit: 24 });
      const ids = items.map(item => item.id);
      const rows = await db.sql`
        SELECT price_minor AS price FROM storefront.listing WHERE group_id = '' AND product_id = ANY(${ids})`;
      expect(row!.n).toBe(PRODUCTS / 50);
      return rows.map(one => one.price as number | null);
    };
    expect(await prices("price")).not.toContain(null);
    expect(await prices("-price")).not.toContain(null);
  });

  test("goes on where it was when the last product of a page moves or goes", async () => {
    const first = await list({ sort: "newest", limit: 5 });
    const last = first.items.at(-1)!.id;
    await db.sql`DELETE FROM storefront.product_summary WHERE store_id = ${storeId} AND product_id = ${last}`;
    const second = await list({ sort: "newest", limit: 5, cursor: first.nextCursor! });
    expect(second.items[0]!.id < last).toBe(true);
    expect(second.items).toHaveLength(5);
  });
});
