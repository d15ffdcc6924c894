/** Use cases of the entries of price lists. */
import { invalid } from "../../platform/errors.ts";
import { badCursor, type Page, pageOf } from "../../platform/page.ts";
import { type Db, type Sql, transaction } from "../../platform/postgres/index.ts";
import { type Author, diff, recordAudit } from "../audit/index.ts";
import { announce, announcePlans } from "./announce.ts";
import { checkedEntries, productsOf } from "./checked-entries.ts";
import { audited, type Expected, getPriceList, locked, settingsOf, shown } from "./lists.ts";
import { type EntryKey, type ListEntry, listLimits, type NewEntry, type PriceList } from "./model.lists.ts";
import * as store from "./store.lists.ts";

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
  return pageOf(found, query.limit, last => `${last.variantId}.${last.minQuantity}`);
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
    await (after.open ? announce : announcePlans)(tx, author, productsOf([...removed, ...written]));
    const changes = diff({ entries: removed }, { entries: written });
    await recordAudit(tx, { ...audited(author, "update", id), changes });
    return shown(after);
  });
}
