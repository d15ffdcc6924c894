import { afterAll, beforeAll, expect, test } from "bun:test";
import { type FreshDatabase, freshDatabase } from "../../platform/testing/index.ts";
import {
  changeCategory,
  changeProduct,
  createCategory,
  createProduct,
  removeProduct,
} from "../catalog/index.ts";
import { changeCollection, createCollection, fits, getCollection } from "../collections/index.ts";
import { createStore } from "../stores/index.ts";
import { regroup, summarise } from "./index.ts";
import { settle } from "./storefront.fixture.ts";

let db: FreshDatabase;

beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

const pick = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)]!;
const tags = ["red", "green", "blue"];

async function shop() {
  const { sql } = db;
  const { id: storeId } = await createStore(sql, { name: "Races", currency: "EUR" });
  const author = { storeId, actor: "key_test" };
  const categories: string[] = [];
  for (const title of ["A", "B", "C", "D"])
    categories.push((await createCategory(sql, author, { title })).id);
  const products: string[] = [];
  for (let n = 0; n < 12; n++) {
    const edit = {
      title: `P ${n}`,
      status: "active" as const,
      tags: [pick(tags)],
      categories: [pick(categories)],
    };
    products.push(
      await createProduct(sql, author, { ...edit, variants: [{ price: { amountMinor: n * 100 } }] }),
    );
  }
  const rule = () => ({
    match: pick(["all", "any"] as const),
    conditions: [
      { field: "tag" as const, values: [pick(tags)] },
      { field: "category" as const, values: [pick(categories)] },
      { field: "price" as const, min: pick([0, 300, 700]) },
    ],
  });
  const collections = [
    await createCollection(sql, author, { title: "Rule 1", rule: rule() }),
    await createCollection(sql, author, { title: "Rule 2", rule: rule() }),
    await createCollection(sql, author, { title: "Picked", productIds: products.slice(0, 3) }),
  ].map(one => one.id);
  return { sql, storeId, author, categories, products, collections, rule };
}
type Shop = Awaited<ReturnType<typeof shop>>;

/** A write of the back office that may be refused (a circle, a removed product), or a job that comes at any time. */
function step({ sql, storeId, author, categories, products, collections, rule }: Shop): Promise<unknown> {
  const product = pick(products);
  const steps: (() => Promise<unknown>)[] = [
    () => changeProduct(sql, author, product, "any", { tags: [pick(tags)] }),
    () => changeProduct(sql, author, product, "any", { categories: [pick(categories)] }),
    () => changeProduct(sql, author, product, "any", { status: pick(["active", "draft"] as const) }),
    () => changeProduct(sql, author, product, "any", { title: `T ${Math.random()}` }),
    () => changeCategory(sql, author, pick(categories), "any", { parentId: pick([null, ...categories]) }),
    () => changeCollection(sql, author, pick(collections.slice(0, 2)), "any", { rule: rule() }),
    () =>
      changeCollection(sql, author, collections[2]!, "any", {
        productIds: products.filter(() => Math.random() < 0.5),
      }),
    () => (Math.random() < 0.1 ? removeProduct(sql, author, product, "any") : Promise.resolve()),
    () =>
      summarise(
        sql,
        author,
        products.filter(() => Math.random() < 0.3),
      ),
    () => regroup(sql, { storeId }, pick([...categories, ...collections])),
    () => settle(sql),
    () => settle(sql),
  ];
  return pick(steps)().catch((error: { status?: number }) => {
    if (!error.status) throw error;
  });
}

/** Group → products, computed from nothing but what stands in the tables of the shop. */
async function expected({ sql, storeId, collections }: Shop): Promise<string[]> {
  const rows = await sql<
    { id: string; tags: string[]; vendor: string; type: string; path: string[]; price: number }[]
  >`
    SELECT p.id, p.tags, p.vendor, p.type, (SELECT min(x.amount_minor) FROM pricing.price x WHERE x.product_id = p.id) AS price,
      ARRAY(SELECT DISTINCT unnest(c.path) FROM catalog.product_category pc JOIN catalog.category c ON c.id = pc.category_id
            WHERE pc.product_id = p.id) AS path
    FROM catalog.product p WHERE p.store_id = ${storeId} AND p.status = 'active'`;
  const found: string[] = [];
  for (const row of rows) {
    const facts = { ...row, categoryIds: row.path, priceMinor: row.price };
    found.push(` ${row.id} 0`, ...row.path.map(id => `${id} ${row.id} 0`));
    for (const id of collections) {
      const one = (await getCollection(sql, storeId, id))!;
      const place = one.productIds.indexOf(row.id);
      if (one.rule ? fits(one.rule, facts) : place >= 0)
        found.push(`${id} ${row.id} ${one.rule ? 0 : -(place + 1)}`);
    }
  }
  return found.sort();
}

test("whatever changes at the same time and in whatever order jobs come, everybody is in the right lists at the end", async () => {
  for (let round = 0; round < 4; round++) {
    const at = await shop();
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        for (let n = 0; n < 15; n++) await step(at);
      }),
    );
    await settle(at.sql);
    const rows = await at.sql`
      SELECT group_id AS g, product_id AS p, rank FROM storefront.listing WHERE store_id = ${at.storeId}`;
    expect(rows.map(row => `${row.g} ${row.p} ${row.rank}`).sort()).toEqual(await expected(at));
    const [count] = await at.sql`
      SELECT count(*) AS n FROM storefront.product_summary s WHERE s.store_id = ${at.storeId}
        AND s.document ->> 'title' IS DISTINCT FROM
            (SELECT p.title FROM catalog.product p WHERE p.store_id = s.store_id AND p.id = s.product_id)`;
    expect(count!.n).toBe(0);
  }
}, 60_000);
