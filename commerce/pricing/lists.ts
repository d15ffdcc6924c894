/**
 * Use cases of price lists. A change runs in one transaction: lock the list, change it, rewrite its moments to come, emit
 * `product.changed` for the products whose price it changes now (announce.ts tells who announces what), write the audit
 * log.
 */
import { invalid, notFound, stale } from "../../platform/errors.ts";
import { isId, newId } from "../../platform/ids.ts";
import { idCursor, type Page, pageOf } from "../../platform/page.ts";
import { type Db, type Sql, type Tx, transaction } from "../../platform/postgres/index.ts";
import { type Author, diff, recordAudit } from "../audit/index.ts";
import { getStore } from "../stores/index.ts";
import { announce, announcePlans } from "./announce.ts";
import { checkedEntries, productsOf } from "./checked-entries.ts";
import { sellsIn } from "./currencies.ts";
import {
  applied,
  type ListInput,
  type ListSettings,
  type ListStatus,
  type ListType,
  type NewEntry,
  type PriceList,
} from "./model.lists.ts";
import * as store from "./store.lists.ts";

export const settingsOf = ({
  name,
  type,
  status,
  segmentIds,
  startsAt,
  endsAt,
}: ListSettings): ListSettings => ({
  name,
  type,
  status,
  segmentIds,
  startsAt,
  endsAt,
});

export const audited = (author: Author, action: string, entityId: string) => ({
  ...author,
  action,
  entity: "price_list",
  entityId,
});

export type Expected = number | "any";

export type NewList = ListInput & {
  name: string;
  type: ListType;
  /** Default: the store's. It can't be changed later: the amounts are in it. */
  currency?: string | undefined;
  entries?: NewEntry[] | undefined;
};

/** @throws Problem 422 with the paths of what is wrong. */
export async function createPriceList(sql: Db, author: Author, input: NewList): Promise<PriceList> {
  const { storeId } = author;
  const start = { name: "", type: input.type, status: "draft", segmentIds: [], startsAt: null, endsAt: null };
  const settings = applied(start as ListSettings, input);
  return transaction(sql, async tx => {
    const currency = await currencyOf(tx, storeId, input.currency);
    const list = await store.insertList(tx, storeId, { ...settings, id: newId("plist"), currency });
    const entries = await checkedEntries(tx, storeId, input.entries ?? []);
    await store.upsertEntries(tx, storeId, list.id, entries);
    await store.replaceBoundaries(tx, storeId, list.id);
    await (list.open ? announce : announcePlans)(tx, author, productsOf(entries));
    const changes = diff(null, { ...settingsOf(list), currency, entries: entries.length });
    await recordAudit(tx, { ...audited(author, "create", list.id), changes });
    return shown({ ...list, entryCount: entries.length });
  });
}

/** @throws Problem 404. */
export async function getPriceList(sql: Sql, storeId: string, id: string): Promise<PriceList> {
  const list = isId("plist", id) ? await store.selectList(sql, storeId, id) : null;
  if (!list) throw notFound("price list");
  return list;
}

/** Newest first. @throws Problem 422 for a made-up cursor. */
export async function listPriceLists(
  sql: Sql,
  storeId: string,
  query: { limit: number; cursor?: string | undefined; status?: ListStatus | undefined },
): Promise<Page<PriceList>> {
  const { limit, status = null } = query;
  const after = idCursor("plist", query.cursor) ?? null;
  return pageOf(await store.selectLists(sql, storeId, { after, status, limit: limit + 1 }), limit);
}

/** @throws Problem 404; 412 when it has another version; 422. */
export function changePriceList(
  sql: Db,
  author: Author,
  id: string,
  expected: Expected,
  change: ListInput,
): Promise<PriceList> {
  const { storeId } = author;
  return transaction(sql, async tx => {
    const before = await locked(tx, storeId, id, expected);
    const settings = applied(settingsOf(before), change);
    const after = await store.updateList(tx, storeId, id, settings);
    await store.replaceBoundaries(tx, storeId, id);
    const { name: _, ...changed } = diff(settingsOf(before), settingsOf(after));
    if (Object.keys(changed).length > 0) {
      const tell = before.open || after.open ? announce : announcePlans;
      await tell(tx, author, await store.selectListProducts(tx, storeId, id));
    }
    const changes = diff(settingsOf(before), settingsOf(after));
    await recordAudit(tx, { ...audited(author, "update", id), changes });
    return shown(after);
  });
}

/** @throws Problem 404; 412 when it has another version. */
export function deletePriceList(sql: Db, author: Author, id: string, expected: Expected): Promise<void> {
  const { storeId } = author;
  return transaction(sql, async tx => {
    const before = await locked(tx, storeId, id, expected);
    const tell = before.open ? announce : announcePlans;
    await tell(tx, author, await store.selectListProducts(tx, storeId, id));
    await store.removeList(tx, storeId, id);
    await recordAudit(tx, { ...audited(author, "delete", id), changes: diff(settingsOf(before), null) });
  });
}

/** The list, locked for the rest of the transaction. @throws Problem 404; 412. */
export async function locked(
  tx: Tx,
  storeId: string,
  id: string,
  expected: Expected,
): Promise<store.StoredList> {
  const list = isId("plist", id) ? await store.lockList(tx, storeId, id) : null;
  if (!list) throw notFound("price list");
  if (expected !== "any" && list.version !== expected) throw stale(list.version);
  return list;
}

export function shown({ open: _, ...list }: store.StoredList): PriceList {
  return list;
}

async function currencyOf(tx: Tx, storeId: string, wanted: string | undefined): Promise<string> {
  const shop = await getStore(tx, storeId);
  if (!shop) throw notFound("store");
  const currency = wanted ?? shop.currency;
  if (await sellsIn(tx, shop, currency)) return currency;
  throw invalid([{ path: "currency", message: `this store does not sell in ${currency}` }]);
}
