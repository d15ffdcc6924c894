/** For tests: a shop whose products are a map in memory, indexed by the real indexer into real engines. */
import type { SearchSource } from "../commerce/storefront/index.ts";
import { newId } from "../platform/ids.ts";
import { freshDatabase, testServers } from "../platform/testing/index.ts";
import type { IndexedEngine } from "./engine.ts";
import { openMeilisearch } from "./engines/meilisearch.ts";
import { indexProducts, restockProducts } from "./indexer.ts";

export type Product = {
  title: string;
  vendor?: string;
  category?: string;
  tags?: string[];
  description?: string;
  sku?: string;
  barcode?: string;
  options?: { name: string; values: string[] }[];
  /** Null: can't be bought in this currency. */
  price?: number | null;
  available?: number;
  unitsSold?: number;
  /** Titles of the categories above its own, from the root down. */
  above?: string[];
};

export function product(id: string, of: Product): SearchSource {
  const { title, category, price = 1_000, available = 5 } = of;
  const handle = title.toLowerCase().replaceAll(" ", "-");
  return {
    id,
    handle,
    title,
    description: of.description ?? "",
    vendor: of.vendor ?? "",
    type: "",
    status: "active",
    categories: category ? [categoryOf(category)] : [],
    collections: [],
    tags: of.tags ?? [],
    options: of.options ?? [],
    images: [],
    variants: [
      {
        id: newId("var"),
        sku: of.sku ?? null,
        title,
        options: {},
        barcode: of.barcode ?? null,
        price: price === null ? null : { amountMinor: price, currency: "EUR", source: "base" },
        available,
        backorder: false,
      },
    ],
    updatedAt: "2026-01-01T00:00:00.000Z",
    branches: category ? [[...(of.above ?? []), category].map(categoryOf)] : [],
    priceRanges: price === null ? {} : { EUR: { min: price, max: price } },
    unitsSold: of.unitsSold ?? 0,
  };
}

const categoryOf = (handle: string) => ({ id: `cat_${handle}`, handle, title: `All ${handle}` });

export async function meilisearch(): Promise<IndexedEngine | null> {
  const { meiliUrl, meiliKey } = await testServers();
  return meiliUrl ? openMeilisearch({ url: meiliUrl, key: meiliKey ?? undefined }) : null;
}

export type Shop = Awaited<ReturnType<typeof openShop>>;

export async function openShop(engine: IndexedEngine | null) {
  const database = await freshDatabase();
  const shelves = new Map<string, Map<string, SearchSource>>();
  const home = newId("store");
  const shop = {
    sql: database.sql,
    storeId: home,
    shelf(storeId = home): Map<string, SearchSource> {
      const shelf = shelves.get(storeId) ?? new Map<string, SearchSource>();
      shelves.set(storeId, shelf);
      return shelf;
    },
    /** Puts a product on the shelf, without indexing it. */
    put(of: Product, id = newId("prod"), storeId = home): string {
      shop.shelf(storeId).set(id, product(id, of));
      return id;
    },
    /** Reads the shelf late, as a slow database would. */
    async products(_sql: unknown, storeId: string, ids: readonly string[]) {
      const found = ids.flatMap(id => shop.shelf(storeId).get(id) ?? []);
      await Bun.sleep(Math.random() * 8);
      return found;
    },
    index(
      ids: readonly string[],
      more: { storeId?: string; doubtful?: string[]; engine?: IndexedEngine | null } = {},
    ) {
      const deps = { sql: shop.sql, engine: more.engine === undefined ? engine : more.engine };
      const options = { doubtful: more.doubtful ?? [] };
      return indexProducts({ ...deps, products: shop.products }, more.storeId ?? home, ids, options);
    },
    /** What `search.restock` does: the stock is that of `inventory.level`. */
    restock(ids: readonly string[]) {
      return restockProducts({ sql: shop.sql, engine, products: shop.products }, home, ids);
    },
    async stock(...products: Product[]): Promise<string[]> {
      const ids = products.map(one => shop.put(one));
      await shop.index(ids);
      return ids;
    },
    close: () => database.drop(),
  };
  return shop;
}
