import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type FreshDatabase, freshDatabase } from "../../platform/testing/index.ts";
import { createStore } from "../stores/index.ts";
import {
  countSales,
  ensureSummaries,
  latestBuilds,
  productDetail,
  productDocuments,
  productList,
  rankPopularity,
  requestRebuild,
  restock,
  runRebuild,
  showPopularity,
  summarise,
} from "./index.ts";
import { seedProducts, settle } from "./storefront.fixture.ts";

let db: FreshDatabase;

beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

async function setup(products: number) {
  const { sql } = db;
  const { id } = await createStore(sql, { name: "Test", currency: "EUR" });
  const ids = await seedProducts(sql, id, products);
  const list = (query = {}) => productList(sql, id, { limit: 100, ...query });
  const kinds = async () => {
    const rows = await sql<{ kind: string }[]>`DELETE FROM bus.outbox WHERE store_id = ${id} RETURNING kind`;
    return rows.map(row => row.kind).sort();
  };
  const version = (productId: string) => sql`
    UPDATE catalog.product SET title = title || '!', version = version + 1 WHERE store_id = ${id} AND id = ${productId}`;
  return { sql, id, origin: { storeId: id }, ids, list, kinds, version };
}

describe("summaries", () => {
  test("say what the product says, in one statement a page", async () => {
    const { sql, id, origin, ids, list } = await setup(40);
    await summarise(sql, origin, ids);
    const { items } = await list();
    const documents = await productDocuments(
      sql,
      id,
      items.map(item => item.id),
    );
    expect(items.map(item => [item.title, item.price, item.variants])).toEqual(
      documents.map(one => [one.title, one.variants[0]!.price, one.variants]) as never,
    );
    expect(Object.keys(items[0]!).toSorted()).toEqual(
      "available categories collections handle id images price status tags title type updatedAt variants vendor".split(
        " ",
      ),
    );
    expect(await db.statements.during(() => list({ limit: 1 }))).toHaveLength(1);
    expect(await db.statements.during(() => list({ limit: 40 }))).toHaveLength(1);
    const one = await db.statements.during(() => productDetail(sql, id, ids[0]!));
    expect(one.length).toBeLessThanOrEqual(7);
  });

  test("take the same number of statements for one product and for many", async () => {
    const { sql, origin, ids } = await setup(60);
    const one = await db.statements.during(() => summarise(sql, origin, ids.slice(0, 1)));
    const many = await db.statements.during(() => summarise(sql, origin, ids.slice(1)));
    expect(many).toHaveLength(one.length);
  });

  test("are written where something changed, and search hears of those only", async () => {
    const { sql, origin, ids, kinds, version } = await setup(5);
    await summarise(sql, origin, ids);
    expect(await kinds()).toEqual(Array(5).fill("search.index"));
    await summarise(sql, origin, ids);
    expect(await kinds()).toEqual([]);
    await version(ids[3]!);
    await summarise(sql, origin, ids);
    expect(await kinds()).toEqual(["search.index"]);
  });

  test("go with products that are archived or removed", async () => {
    const { sql, id, origin, ids, list, kinds } = await setup(3);
    await summarise(sql, origin, ids);
    await kinds();
    await sql`UPDATE catalog.product SET status = 'archived' WHERE store_id = ${id} AND id = ${ids[0]!}`;
    await sql`DELETE FROM catalog.product WHERE store_id = ${id} AND id = ${ids[1]!}`;
    await summarise(sql, origin, ids);
    expect((await list()).items.map(item => item.id)).toEqual([ids[2]!]);
    expect(await kinds()).toEqual(["search.index", "search.index"]);
    const [rows] =
      await sql`SELECT count(*) AS n FROM storefront.listing WHERE store_id = ${id} AND group_id = ''`;
    expect(rows!.n).toBe(1);
  });

  test("never go back: of many runs at once the newest state stands", async () => {
    const { sql, id, origin, ids, list, version } = await setup(4);
    const writers = Array.from({ length: 12 }, async (_, n) => {
      await version(ids[n % 4]!);
      await summarise(sql, origin, n % 2 ? ids : ids.toReversed());
    });
    await Promise.all(writers);
    const titles = await sql`SELECT id, title FROM catalog.product WHERE store_id = ${id}`;
    const shown = new Map((await list()).items.map(item => [item.id, item.title]));
    for (const { id: productId, title } of titles) expect(shown.get(productId)).toBe(title);
  });

  test("leave other stores alone", async () => {
    const [one, other] = [await setup(2), await setup(2)];
    await summarise(one.sql, one.origin, [...one.ids, ...other.ids]);
    expect((await one.list()).items).toHaveLength(2);
    expect((await other.list()).items).toEqual([]);
  });
});

describe("stock", () => {
  test("is brought up to date by itself, as a whole new summary would have it", async () => {
    const { sql, id, origin, ids, list } = await setup(30);
    await summarise(sql, origin, ids);
    await sql`
      INSERT INTO inventory.location (store_id, id, name, is_default) VALUES (${id}, 'loc_1', 'Main', true)`;
    const variants = await sql`SELECT id, product_id FROM catalog.variant WHERE store_id = ${id} ORDER BY id`;
    for (const [i, variant] of variants.slice(0, 20).entries()) {
      await sql`
        INSERT INTO inventory.level (store_id, variant_id, location_id, product_id, on_hand, reserved, backorder)
        VALUES (${id}, ${variant.id}, 'loc_1', ${variant.product_id}, ${i}, ${i % 5 === 0 ? i : 0}, ${i % 7 === 3})`;
    }
    await sql`DELETE FROM bus.outbox WHERE store_id = ${id}`;
    await restock(sql, origin, [...ids, ...ids, "prod_00000000"]);
    const restocked = await list();
    const [job] = await sql`SELECT kind, payload FROM bus.outbox WHERE store_id = ${id}`;
    expect(job!.kind).toBe("search.restock");
    // Those whose stock is what it was are not told of.
    const different = restocked.items.filter(
      item => item.available > 0 || item.variants.some(one => one.backorder),
    );
    expect(job!.payload.productIds.toSorted()).toEqual(different.map(item => item.id).toSorted());
    expect(different.length).toBeGreaterThan(10);
    await summarise(sql, origin, ids);
    expect(await list()).toEqual(restocked);
    const stocks =
      await sql`SELECT in_stock, document FROM storefront.product_summary WHERE store_id = ${id}`;
    for (const { in_stock, document } of stocks)
      expect(in_stock).toBe(
        document.variants.some(
          (one: { available: number; backorder: boolean }) => one.available > 0 || one.backorder,
        ),
      );
  });

  test("of a product without a summary is left alone", async () => {
    const { sql, origin, ids, list } = await setup(2);
    await restock(sql, origin, ids);
    expect((await list()).items).toEqual([]);
  });
});

describe("popularity", () => {
  async function order(storeId: string, id: string, productId: string, quantity: number, status = "placed") {
    await db.sql`
      INSERT INTO orders.order (store_id, id, number, status, cart_id, reservation_id, intent_id, currency,
                                subtotal_minor, total_minor)
      VALUES (${storeId}, ${id}, ${id}, ${status}, 'c', 'r', 'i', 'EUR', ${quantity}, ${quantity})`;
    await db.sql`
      INSERT INTO orders.line (store_id, order_id, position, variant_id, product_id, title, quantity, unit_minor, total_minor)
      VALUES (${storeId}, ${id}, 1, 'v', ${productId}, 't', ${quantity}, 1, ${quantity})`;
  }

  test("counts each placed order once, however often its job comes, and sorts by it", async () => {
    const { sql, id, origin, ids, list } = await setup(3);
    const [a, b] = ids as [string, string];
    await summarise(sql, origin, ids);
    await order(id, "ord_00000001", a, 2);
    await order(id, "ord_00000002", b, 5);
    await order(id, "ord_00000003", a, 4);
    await order(id, "ord_00000004", ids[2]!, 90, "refused");
    const all = ["ord_00000001", "ord_00000002", "ord_00000003", "ord_00000004"];
    await Promise.all([countSales(sql, id, all), countSales(sql, id, all.toReversed())]);
    await countSales(sql, id, all.slice(1, 3));
    await settle(sql);
    const rows = await sql`
      SELECT product_id AS p, units FROM storefront.popularity WHERE store_id = ${id} ORDER BY units`;
    expect(rows.map(row => [row.p, row.units])).toEqual([
      [b, 5],
      [a, 6],
    ]);
    expect((await list({ sort: "popularity" })).items.map(item => item.id)).toEqual([a, b, ids[2]!]);
  });

  test("is told to search for products whose rank changed, once for all that was sold between two tellings", async () => {
    const { sql, id, origin, ids } = await setup(3);
    const [a, b] = ids as [string, string];
    await summarise(sql, origin, ids);
    await rankPopularity(sql);
    await sql`DELETE FROM bus.outbox WHERE store_id = ${id}`;
    const told = async () => {
      const rows = await sql<{ key: string }[]>`
        DELETE FROM bus.outbox WHERE store_id = ${id} AND kind = 'search.index' RETURNING key`;
      return rows.map(row => row.key).toSorted();
    };
    const sell = async (orderId: string, productId: string, units: number) => {
      await order(id, orderId, productId, units);
      await countSales(sql, id, [orderId]);
      await showPopularity(sql);
    };
    await sell("ord_00000001", a, 2);
    await sell("ord_00000002", a, 200);
    await sell("ord_00000003", b, 500);
    expect(await told()).toEqual([]);
    await rankPopularity(sql);
    expect(await told()).toEqual([`product:${a}`, `product:${b}`].toSorted());
    // Too few to move it.
    await sell("ord_00000004", b, 1);
    await rankPopularity(sql);
    expect(await told()).toEqual([]);
  });
});

describe("a rebuild", () => {
  test("makes what is missing, corrects what is wrong, removes what is left over, and goes on after a crash", async () => {
    const { sql, id, origin, ids, list } = await setup(1_200);
    await summarise(sql, origin, ids.slice(0, 300));
    await sql`UPDATE storefront.product_summary SET document = '{"title": "wrong"}' WHERE product_id = ${ids[7]!}`;
    await sql`DELETE FROM catalog.product WHERE store_id = ${id} AND id = ANY(${[ids[3]!, ids[1_199]!]})`;
    const build = await requestRebuild(sql, origin);
    expect((await requestRebuild(sql, origin)).id).toBe(build.id);
    const stop = new AbortController();
    const progress = async () => (await latestBuilds(sql, [id]))[0]!;
    const crashed = runRebuild(sql, origin, build.id, stop.signal).catch(error => error);
    while ((await progress()).done === 0) await Bun.sleep(1);
    stop.abort(new Error("crash"));
    await crashed;
    expect(await runRebuild(sql, origin, build.id)).toBe("done");
    expect(await progress()).toMatchObject({ status: "done", done: 1_198, total: 1_198 });
    const [count] = await sql`
      SELECT count(*) AS n FROM storefront.product_summary
      WHERE store_id = ${id} AND document ->> 'title' = title AND product_id <> ALL(${[ids[3]!, ids[1_199]!]})`;
    expect(count!.n).toBe(1_198);
    const [left] = await sql`SELECT count(*) AS n FROM storefront.product_summary WHERE store_id = ${id}`;
    expect(left!.n).toBe(1_198);
    expect((await list({ q: "product 1" })).items.length).toBeGreaterThan(10);
    expect(await runRebuild(sql, origin, build.id)).toBe("done");
    expect(await runRebuild(sql, origin, "build_unknown0")).toBe("unknown");
  });

  test("is asked for once for every store that never had one", async () => {
    const { sql, id } = await setup(1);
    expect(await ensureSummaries(sql)).toBeGreaterThan(0);
    expect(await ensureSummaries(sql)).toBe(0);
    const jobs = await sql`SELECT 1 FROM bus.outbox WHERE kind = 'catalog.rebuild' AND store_id = ${id}`;
    expect(jobs).toHaveLength(1);
  });
});
