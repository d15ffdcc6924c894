/**
 * Use cases of price lists. A change runs in one transaction: lock the list, change it, rewrite its moments to come, emit
 * `product.changed` for the products whose price it changes now, write the audit log.
 *
 * Who announces what: a change says what it changes at its own moment (the list is open before or after it); the moments
 * to come are rows of `pricing.boundary`, and {@link announceBoundaries} takes each when it has passed. Both go by the
 * clock of their transaction, so a moment is either past for the change or a row, never both and never neither.
 *
 * Crashes: each of the two is one transaction. A row that was taken by a transaction that died is there again.
 */
import { type Bus, emit, type Origin } from "../../bus/index.ts";
import { type FieldError, invalid, notFound, stale } from "../../platform/errors.ts";
import { isId, newId } from "../../platform/ids.ts";
import { type Db, type Sql, type Tx, transaction } from "../../platform/postgres/index.ts";
import { type Author, diff, recordAudit } from "../audit/index.ts";
import { getStore } from "../stores/index.ts";
import { sellsIn } from "./currencies.ts";
import {
  applied,
  type EntryKey,
  type ListEntry,
  type ListInput,
  type ListSettings,
  type ListStatus,
  type ListType,
  listLimits,
  type NewEntry,
  type PriceList,
} from "./model.lists.ts";
import * as store from "./store.lists.ts";

/** Jobs written by one statement. */
const EMIT_BATCH = 1_000;
/** Moments announced in one transaction. */
const BOUNDARY_BATCH = 10;

const settingsOf = ({ name, type, status, segmentIds, startsAt, endsAt }: ListSettings): ListSettings => ({
  name,
  type,
  status,
  segmentIds,
  startsAt,
  endsAt,
});

const audited = (author: Author, action: string, entityId: string) => ({
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
    if (list.open) await announce(tx, author, productsOf(entries));
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

export type Page<T> = { items: T[]; nextCursor: string | null };

/** Newest first. @throws Problem 422 for a made-up cursor. */
export async function listPriceLists(
  sql: Sql,
  storeId: string,
  query: { limit: number; cursor?: string | undefined; status?: ListStatus | undefined },
): Promise<Page<PriceList>> {
  const { limit, cursor = null, status = null } = query;
  if (cursor !== null && !isId("plist", cursor)) throw badCursor();
  const found = await store.selectLists(sql, storeId, { after: cursor, status, limit: limit + 1 });
  const items = found.slice(0, limit);
  return { items, nextCursor: found.length > limit ? items.at(-1)!.id : null };
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
    if ((before.open || after.open) && Object.keys(changed).length > 0) {
      await announce(tx, author, await store.selectListProducts(tx, storeId, id));
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
    if (before.open) await announce(tx, author, await store.selectListProducts(tx, storeId, id));
    await store.removeList(tx, storeId, id);
    await recordAudit(tx, { ...audited(author, "delete", id), changes: diff(settingsOf(before), null) });
  });
}

/** By variant and quantity. @throws Problem 404; 422 for a made-up cursor. */
export async function listEntries(
  sql: Sql,
  storeId: string,
  id: string,
  query: { limit: number; cursor?: string | undefined },
): Promise<Page<ListEntry>> {
  await getPriceList(sql, storeId, id);
  const after = query.cursor === undefined ? null : entryCursor(query.cursor);
  const found = await store.selectEntries(sql, storeId, id, after, query.limit + 1);
  const items = found.slice(0, query.limit);
  const last = found.length > query.limit ? items.at(-1) : undefined;
  return { items, nextCursor: last ? `${last.variantId}.${last.minQuantity}` : null };
}

function entryCursor(cursor: string): [string, number] {
  const match = /^(\w{1,64})\.(\d{1,6})$/.exec(cursor);
  if (!match) throw badCursor();
  return [match[1]!, Number(match[2])];
}

/**
 * Sets and removes entries, all or none. A key without a quantity removes all of the variant.
 * @throws Problem 404; 412 when the list has another version; 422 with the paths of what is wrong.
 */
export function changeEntries(
  sql: Db,
  author: Author,
  id: string,
  expected: Expected,
  change: { entries?: NewEntry[] | undefined; remove?: EntryKey[] | undefined },
): Promise<PriceList> {
  const { storeId } = author;
  return transaction(sql, async tx => {
    const before = await locked(tx, storeId, id, expected);
    const entries = await checkedEntries(tx, storeId, change.entries ?? []);
    const keys = (change.remove ?? []).map(({ variantId, minQuantity = null }) => ({
      variantId,
      minQuantity,
    }));
    const removed = await store.deleteEntries(tx, storeId, id, keys);
    const written = await store.upsertEntries(tx, storeId, id, entries);
    const after = await store.updateList(tx, storeId, id, settingsOf(before));
    if (after.entryCount > listLimits.entriesInList) {
      throw invalid([{ path: "entries", message: `a list has at most ${listLimits.entriesInList}` }]);
    }
    if (after.open) await announce(tx, author, productsOf([...removed, ...written]));
    const changes = diff({ entries: removed }, { entries: written });
    await recordAudit(tx, { ...audited(author, "update", id), changes });
    return shown(after);
  });
}

/**
 * Announces lists that have opened or closed by the clock, each moment once, and returns how many. For keepers, every
 * second; any number may run.
 */
export async function announceBoundaries(deps: {
  sql: Db;
  bus?: Pick<Bus, "poke"> | undefined;
}): Promise<number> {
  let total = 0;
  for (;;) {
    const taken = await transaction(deps.sql, async tx => {
      const due = await store.takeBoundaries(tx, BOUNDARY_BATCH);
      for (const { storeId, listId } of due) {
        await announce(tx, { storeId }, await store.selectListProducts(tx, storeId, listId));
      }
      return due.length;
    });
    total += taken;
    if (taken < BOUNDARY_BATCH) break;
  }
  if (total > 0) deps.bus?.poke();
  return total;
}

async function locked(tx: Tx, storeId: string, id: string, expected: Expected): Promise<store.StoredList> {
  const list = isId("plist", id) ? await store.lockList(tx, storeId, id) : null;
  if (!list) throw notFound("price list");
  if (expected !== "any" && list.version !== expected) throw stale(list.version);
  return list;
}

function shown({ open: _, ...list }: store.StoredList): PriceList {
  return list;
}

const productsOf = (entries: readonly ListEntry[]) => [...new Set(entries.map(entry => entry.productId))];

async function announce(tx: Tx, origin: Origin, productIds: readonly string[]): Promise<void> {
  for (let i = 0; i < productIds.length; i += EMIT_BATCH) {
    const events = productIds
      .slice(i, i + EMIT_BATCH)
      .map(productId => ({ type: "product.changed" as const, productId }));
    await emit(tx, origin, ...events);
  }
}

async function currencyOf(tx: Tx, storeId: string, wanted: string | undefined): Promise<string> {
  const shop = await getStore(tx, storeId);
  if (!shop) throw notFound("store");
  const currency = wanted ?? shop.currency;
  if (await sellsIn(tx, shop, currency)) return currency;
  throw invalid([{ path: "currency", message: `this store does not sell in ${currency}` }]);
}

/** With the products of the variants. @throws Problem 422 for repeated keys and variants that the store doesn't have. */
async function checkedEntries(tx: Tx, storeId: string, entries: readonly NewEntry[]): Promise<ListEntry[]> {
  if (entries.length === 0) return [];
  const products = await store.selectProductsOf(tx, storeId, [...new Set(entries.map(one => one.variantId))]);
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  const checked = entries.map(({ variantId, amountMinor, minQuantity = 1 }, i) => {
    const key = `${variantId}.${minQuantity}`;
    const productId = products.get(variantId) ?? "";
    if (!productId) errors.push({ path: `entries.${i}.variantId`, message: "is no variant of this store" });
    else if (seen.has(key)) errors.push({ path: `entries.${i}`, message: "repeats a variant and quantity" });
    seen.add(key);
    return { variantId, productId, minQuantity, amountMinor };
  });
  if (errors.length > 0) throw invalid(errors.slice(0, 20));
  return checked;
}

const badCursor = () => invalid([{ path: "cursor", message: "is not one that this list gave" }]);
