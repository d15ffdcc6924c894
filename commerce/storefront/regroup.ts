/**
 * What follows when a category or a collection changed: the products concerned are found page by page and get
 * `product.changed`, whose job writes their memberships. So memberships have one writer, and search hears of new names.
 *
 * The change was made under the lock of groups: every summary that was computed before it is committed and is seen here,
 * every later one knows the change. A crash in between leaves pages to come again; a product told of twice is no harm.
 */
import { emit, type Origin } from "../../bus/index.ts";
import type { Db } from "../../platform/postgres/index.ts";
import type { Collection } from "../collections/index.ts";
import { fits, getCollection } from "../collections/index.ts";
import { type GroupMember, selectCandidates, selectMembers } from "./summary.store.ts";

const PAGE = 1_000;

/** Returns how many products were told of. */
export async function regroup(
  sql: Db,
  origin: Origin,
  groupId: string,
  signal?: AbortSignal,
): Promise<number> {
  const collection = groupId.startsWith("col_") ? await getCollection(sql, origin.storeId, groupId) : null;
  let told = 0;
  for (let after: string | null = ""; after !== null; ) {
    signal?.throwIfAborted();
    const page: Page = collection
      ? await candidates(sql, origin.storeId, collection, after)
      : await members(sql, origin.storeId, groupId, after);
    const events = page.concerned.map(productId => ({ type: "product.changed" as const, productId }));
    await emit(sql, origin, ...events);
    told += events.length;
    after = page.next;
  }
  return told;
}

type Page = { concerned: string[]; next: string | null };

/** Of a category, or of a collection that is gone, all members are concerned. */
async function members(sql: Db, storeId: string, groupId: string, after: string): Promise<Page> {
  const ids = await selectMembers(sql, storeId, groupId, { after, limit: PAGE });
  return { concerned: ids, next: ids.length === PAGE ? ids.at(-1)! : null };
}

/** Those that come in, go out, change their place, or show an old name. */
async function candidates(sql: Db, storeId: string, collection: Collection, after: string): Promise<Page> {
  const ranks = new Map(collection.productIds.map((id, index) => [id, -(index + 1)]));
  const rows = await selectCandidates(sql, storeId, collection, { after, limit: PAGE });
  const wanted = (row: GroupMember) => {
    if (collection.rule) return fits(collection.rule, row) ? 0 : null;
    return ranks.get(row.productId) ?? null;
  };
  const concerned = rows.filter(row => wanted(row) !== row.rank || row.member !== row.named);
  return {
    concerned: concerned.map(row => row.productId),
    next: rows.length === PAGE ? rows.at(-1)!.productId : null,
  };
}
