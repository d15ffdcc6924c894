/**
 * Keeps the read model of lists: `product_summary` and `listing`.
 *
 * {@link summarise} reads the products as they are and writes what differs, under the store's lock of groups. One writer
 * a store at a time, each reading after the one before has committed: an older state never overtakes a newer one, however
 * often or in what order jobs come. A crash before the commit leaves everything as it was, and the job comes again.
 */
import { emit, type Origin } from "../../bus/index.ts";
import { type Db, type Tx, transaction } from "../../platform/postgres/index.ts";
import { lockGroups } from "../catalog/index.ts";
import { type Composed, compose, currencyOf } from "./documents.ts";
import { productSummary } from "./model.ts";
import {
  deleteSummaries,
  type ListChange,
  type ListingRow,
  replaceListings,
  type SummaryRow,
  selectPopularity,
  upsertSummaries,
} from "./summary.store.ts";

/** Products of one transaction: what others wait for who need the store's lock. */
const STEP = 500;

/** Brings these products' summaries up to date and tells who follows them (search) of those that changed. */
export async function summarise(sql: Db, origin: Origin, productIds: readonly string[]): Promise<void> {
  const ids = [...new Set(productIds)];
  for (let from = 0; from < ids.length; from += STEP) {
    const some = ids.slice(from, from + STEP);
    await transaction(sql, async tx => {
      await lockGroups(tx, origin.storeId);
      const { changed, lists } = await write(tx, origin.storeId, some);
      const events = changed.map(one => ({ type: "summary.changed" as const, ...one }));
      await emit(tx, origin, ...events, { type: "lists.changed", changes: lists });
    });
  }
}

async function write(
  tx: Tx,
  storeId: string,
  ids: readonly string[],
): Promise<{ changed: { productId: string; grouped: boolean }[]; lists: ListChange[] }> {
  const currency = await currencyOf(tx, storeId);
  const shown = await compose(tx, storeId, ids, { currency, collections: "computed" });
  const popularity = await selectPopularity(tx, storeId, ids);
  const present = shown.map(one => one.record.id);
  const gone = await deleteSummaries(tx, storeId, without(ids, present));
  const rows = shown.map(one => summaryRow(one, currency, popularity.get(one.record.id) ?? 0));
  const changed = await upsertSummaries(tx, storeId, rows);
  const listed = await replaceListings(tx, storeId, present, shown.flatMap(listingRows));
  const left = gone.groupIds.map(groupId => ({ groupId, what: "members" as const }));
  const removed = gone.productIds.map(productId => ({ productId, grouped: true }));
  return { changed: [...removed, ...changed], lists: [...left, ...listed] };
}

function without(ids: readonly string[], present: readonly string[]): string[] {
  const known = new Set(present);
  return ids.filter(id => !known.has(id));
}

function summaryRow(
  { record, document, memberships }: Composed,
  currency: string,
  popularity: number,
): SummaryRow {
  const summary = productSummary(document);
  return {
    productId: record.id,
    handle: record.handle,
    title: record.title,
    vendor: record.vendor,
    type: record.type,
    image: summary.images[0] ?? null,
    currency,
    priceMinor: summary.price?.amountMinor ?? null,
    compareAtMinor: summary.price?.compareAtMinor ?? null,
    available: summary.available,
    inStock: document.variants.some(variant => variant.available > 0 || variant.backorder),
    categoryIds: record.categoryIds,
    collectionIds: memberships.map(one => one.id),
    tags: record.tags,
    popularity,
    version: record.version,
    createdAt: record.createdAt,
    document: summary,
  };
}

function listingRows({ record, memberships }: Composed): ListingRow[] {
  const row = (groupId: string, rank = 0): ListingRow => ({ productId: record.id, groupId, rank });
  return [
    row(""),
    ...record.categoryIds.map(id => row(id)),
    ...memberships.map(one => row(one.id, one.position === null ? 0 : -one.position)),
  ];
}
