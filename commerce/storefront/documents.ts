/** Products put together from what catalog, pricing, inventory and collections know. */
import { notFound } from "../../platform/errors.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import { type ProductRecord, readProducts } from "../catalog/index.ts";
import { type Membership, membershipsOf } from "../collections/index.ts";
import { type CurrentPrice, currentPrices } from "../pricing/index.ts";
import { getStore } from "../stores/index.ts";
import { factsOf, type ProductDocument, productDocument, type Sources } from "./model.ts";
import { selectCollections, selectStock } from "./store.ts";

/** A product with what its document was made of. */
export type Composed = {
  record: ProductRecord;
  document: ProductDocument;
  memberships: readonly Membership[];
};

/**
 * `computed`: by picks and rules as they are now; for whoever writes it down. `written`: as the summaries have it, which
 * costs a shop one row a product instead of all rules of the store.
 */
export type CollectionSource = "computed" | "written";

export async function currencyOf(sql: Sql, storeId: string): Promise<string> {
  const store = await getStore(sql, storeId);
  if (!store) throw notFound("store");
  return store.currency;
}

/** Products in the order of `ids`, prices in `currency`: a fixed number of statements, however many products. */
export async function compose(
  sql: Sql,
  storeId: string,
  ids: readonly string[],
  options: { currency: string; collections: CollectionSource; anyStatus?: boolean },
): Promise<Composed[]> {
  const { currency } = options;
  const products = (await readProducts(sql, storeId, ids)).filter(
    product => options.anyStatus || product.status === "active",
  );
  if (products.length === 0) return [];
  const variantIds = products.flatMap(product => product.variants.map(variant => variant.id));
  const [prices, rows] = await Promise.all([
    currentPrices(sql, storeId, currency, variantIds),
    selectStock(sql, storeId, variantIds),
  ]);
  const stock = new Map(rows.map(row => [row.variantId, row]));
  const collections = await collectionsOf(sql, storeId, products, prices, options.collections);
  const sources: Sources = { currency, prices, stock, collections };
  return products.map(record => ({
    record,
    document: productDocument(record, sources),
    memberships: collections.get(record.id) ?? [],
  }));
}

async function collectionsOf(
  sql: Sql,
  storeId: string,
  products: readonly ProductRecord[],
  prices: ReadonlyMap<string, CurrentPrice>,
  source: CollectionSource,
): Promise<Map<string, Membership[]>> {
  if (source === "computed") {
    const facts = products.map(product => [product.id, factsOf(product, prices)] as const);
    return membershipsOf(sql, storeId, new Map(facts));
  }
  const ids = products.map(product => product.id);
  const rows = await selectCollections(sql, storeId, ids);
  return new Map(
    rows.map(row => [row.productId, row.collections.map(one => ({ ...one, position: null }))] as const),
  );
}
