import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Tx, transaction } from "../../platform/postgres/index.ts";
import { type FreshDatabase, freshDatabase } from "../../platform/testing/index.ts";
import { setPrices } from "../pricing/index.ts";
import { productDetail, productDocuments } from "../storefront/index.ts";
import { createStore } from "../stores/index.ts";
import { attachMedia, detachMedia, type ProductInput, readProducts, upsertProducts } from "./index.ts";

let db: FreshDatabase;

beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

async function setup() {
  const { id } = await createStore(db.sql, { name: "Test", currency: "EUR" });
  const inTx = <T>(work: (tx: Tx) => Promise<T>) => transaction(db.sql, work);
  const upsert = (...inputs: ProductInput[]) => inTx(tx => upsertProducts(tx, id, inputs));
  const jobs = async () => {
    const rows = await db.sql<{ key: string }[]>`
      SELECT key FROM bus.outbox WHERE store_id = ${id} AND kind = 'search.index' ORDER BY id`;
    return rows.map(row => row.key);
  };
  return { id, inTx, upsert, jobs };
}

function product(handle: string, more: Partial<ProductInput> = {}): ProductInput {
  const variants = [{ ref: 1, optionValues: [], sku: `SKU-${handle}` }];
  return { ref: 1, handle, title: handle, status: "active", optionNames: [], variants, ...more };
}

const picture = (assetId: string, productId: string, position = 0) => ({
  assetId,
  productId,
  position,
  alt: "A view",
  placeholder: "abc",
  variants: [{ name: "300", format: "webp", width: 300, height: 200, bytes: 9, url: `/media/${assetId}` }],
});

describe("upserting products", () => {
  test("tells what was created, updated and left alone", async () => {
    const { id, upsert } = await setup();
    const changes = async (...inputs: ProductInput[]) =>
      (await upsert(...inputs)).products.map(one => one.change);
    expect(await changes(product("a"), product("b"))).toEqual(["created", "created"]);
    expect(await changes(product("a"), product("b", { tags: ["new"] }))).toEqual(["unchanged", "updated"]);
    const [row] = await db.sql`
      SELECT version FROM catalog.product WHERE store_id = ${id} AND handle = 'a'`;
    expect(row!.version).toBe(1);
  });

  test("refuses a SKU of another product, in the store or in the same batch", async () => {
    const { upsert } = await setup();
    await upsert(product("a"));
    const sku = (value: string) => ({ variants: [{ ref: 7, optionValues: [], sku: value }] });
    const result = await upsert(product("b", sku("SKU-a")), product("c", sku("S")), product("d", sku("S")));
    expect(result.refusals.map(one => one.message)).toEqual(
      Array(2).fill("is already used by another variant"),
    );
    expect(result.products.map(one => one.handle)).toEqual(["c"]);
  });

  test("of the same new products at the same time makes each once", async () => {
    const { id, upsert } = await setup();
    const inputs = Array.from({ length: 30 }, (_, n) => product(`p-${n}`));
    const runs = await Promise.all([upsert(...inputs), upsert(...inputs.toReversed()), upsert(...inputs)]);
    const created = runs.flatMap(run => run.products).filter(one => one.change === "created");
    expect(created.length).toBe(30);
    const rows = await db.sql`SELECT FROM catalog.product WHERE store_id = ${id}`;
    expect(rows.length).toBe(30);
  });

  test("publishes to carts what may be sold", async () => {
    const { id, upsert } = await setup();
    const { variants } = await upsert(product("a", { title: "A lamp" }));
    const asked = [variants[0]!.variantId, "var_unknown00"];
    expect([...(await db.sql`SELECT * FROM catalog.sellable(${id}, ${asked})`)]).toEqual([
      {
        variant_id: variants[0]!.variantId,
        product_id: variants[0]!.productId,
        sku: "SKU-a",
        title: "A lamp",
        product_title: "A lamp",
        status: "active",
      },
    ]);
    const other = await setup();
    expect(await db.sql`SELECT * FROM catalog.sellable(${other.id}, ${asked})`).toBeEmpty();
  });
});

describe("pictures from media", () => {
  test("replace the pictures that live elsewhere, in their order, and come and go", async () => {
    const { id, inTx, upsert, jobs } = await setup();
    const images = [{ src: "https://img.example/a.jpg", alt: "" }];
    const [made] = (await upsert(product("a", { images }))).products;
    const shown = async () => (await productDetail(db.sql, id, "a")).images;
    expect(await shown()).toMatchObject([{ assetId: null, alt: "a", variants: [{ name: "original" }] }]);
    const origin = { storeId: id };
    await inTx(tx => attachMedia(tx, origin, picture("asset_2", made!.id, 2)));
    await inTx(tx => attachMedia(tx, origin, picture("asset_1", made!.id, 1)));
    expect((await shown()).map(image => image.assetId)).toEqual(["asset_1", "asset_2"]);
    expect((await jobs()).length).toBe(2);
    await inTx(tx => attachMedia(tx, origin, picture("asset_1", made!.id, 1)));
    expect((await jobs()).length).toBe(2);
    for (const asset of ["asset_1", "asset_2", "asset_2"]) await inTx(tx => detachMedia(tx, origin, asset));
    expect((await jobs()).length).toBe(4);
    expect((await shown())[0]!.assetId).toBeNull();
  });

  test("move from one product to another, and tell both", async () => {
    const { id, inTx, upsert, jobs } = await setup();
    const [a, b] = (await upsert(product("a"), product("b"))).products.map(one => one.id);
    await inTx(tx => attachMedia(tx, { storeId: id }, picture("asset_1", a!)));
    await inTx(tx => attachMedia(tx, { storeId: id }, picture("asset_1", b!)));
    expect((await jobs()).slice(1).toSorted()).toEqual([`product:${a}`, `product:${b}`].toSorted());
    const [first, second] = await readProducts(db.sql, id, [a!, b!]);
    expect([first!.media.length, second!.media.length]).toEqual([0, 1]);
  });

  test("of a product that is gone, or another store's, are left out", async () => {
    const one = await setup();
    const other = await setup();
    const [made] = (await one.upsert(product("a"))).products;
    await other.inTx(tx => attachMedia(tx, { storeId: other.id }, picture("asset_1", made!.id)));
    expect(await other.jobs()).toEqual([]);
    expect((await productDetail(db.sql, one.id, "a")).images).toEqual([]);
  });
});

describe("product documents", () => {
  test("keep the order asked for and leave out what shops don't see", async () => {
    const { id, inTx, upsert } = await setup();
    const result = await upsert(product("a"), product("b", { status: "draft" }), product("c"));
    const [a, b, c] = result.products.map(one => one.id);
    const { variantId, productId } = result.variants[0]!;
    const price = { variantId, productId, amountMinor: 500, compareAtMinor: null };
    expect(await inTx(tx => setPrices(tx, id, "EUR", [price]))).toEqual([a!]);
    expect(await inTx(tx => setPrices(tx, id, "EUR", [price]))).toEqual([]);
    const documents = await productDocuments(db.sql, id, [c!, "prod_unknown00", b!, a!]);
    expect(documents.map(one => one.handle)).toEqual(["c", "a"]);
    expect(documents[0]!.variants[0]!.price).toBeNull();
    expect(documents[1]!.variants[0]!.price).toEqual({ amountMinor: 500, currency: "EUR", source: "base" });
    expect(await productDocuments(db.sql, (await setup()).id, [a!])).toEqual([]);
  });

  test("take the same number of statements for one product and for a hundred", async () => {
    const { id, upsert } = await setup();
    const inputs = Array.from({ length: 100 }, (_, n) => product(`p-${n}`));
    const ids = (await upsert(...inputs)).products.map(one => one.id);
    const statements = async (count: number) => {
      let used = 0;
      const counting = new Proxy(db.sql, {
        apply: (sql, self, args) => {
          if (Array.isArray((args[0] as { raw?: unknown })?.raw)) used++;
          return Reflect.apply(sql as never, self, args);
        },
      });
      expect((await productDocuments(counting, id, ids.slice(0, count))).length).toBe(count);
      return used;
    };
    expect(await statements(100)).toBe(await statements(1));
  });
});
