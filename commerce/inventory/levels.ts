/** What lies where: lists, the ledger, and the two settings of a level (backorder, low-stock threshold). */

import { emit } from "../../bus/index.ts";
import { conflict, notFound } from "../../platform/errors.ts";
import { uuidPattern } from "../../platform/ids.ts";
import { decodeCursor, encodeCursor, type Page, pageOf } from "../../platform/page.ts";
import { type Db, type Sql, type Tx, transaction } from "../../platform/postgres/index.ts";
import { type Author, diff, recordAudit } from "../audit/index.ts";
import type { LedgerEntry, Level, LevelChange, ListedLevel } from "./model.ts";
import * as store from "./store.levels.ts";
import { shareActive } from "./store.locations.ts";
import { defaultLocation, productOf } from "./store.ts";

export type LevelQuery = store.LevelFilter & { limit: number; cursor?: string | undefined };

/** By variant and location. @throws Problem 422 for a made-up cursor. */
export async function listLevels(
  sql: Sql,
  storeId: string,
  { limit, cursor, ...filter }: LevelQuery,
): Promise<Page<ListedLevel>> {
  const after = decodeCursor(cursor, 2, /^[\w-]{1,64}$/) as [string, string] | null;
  const found = await store.selectLevels(sql, storeId, filter, after, limit + 1);
  return pageOf(found, limit, level => encodeCursor([level.variantId, level.locationId]));
}

export type LedgerQuery = store.LedgerFilter & { limit: number; cursor?: string | undefined };

/** Latest first. @throws Problem 422 for a made-up cursor. */
export async function listAdjustments(
  sql: Sql,
  storeId: string,
  { limit, cursor, ...filter }: LedgerQuery,
): Promise<Page<LedgerEntry>> {
  const before = decodeCursor(cursor, 1, uuidPattern)?.[0] ?? null;
  const found = await store.selectLedger(sql, storeId, filter, before, limit + 1);
  return pageOf(found, limit, entry => encodeCursor([entry.id]));
}

/**
 * Changes the settings of a variant's levels: of one location, or of all that have it; where none has it, a level at the
 * default location is made. `stock.changed` follows when backorders begin or end. @throws Problem 404; 409
 * `location_inactive`, `backorder_in_use` when units are promised that are not there.
 */
export function changeLevels(
  sql: Db,
  author: Author,
  variantId: string,
  { locationId, backorder, lowThreshold }: LevelChange,
): Promise<Level[]> {
  const { storeId } = author;
  return transaction(sql, async tx => {
    const productId = await productOf(tx, storeId, variantId);
    if (productId === null) throw notFound("variant");
    if (locationId !== undefined) {
      const active = await shareActive(tx, storeId, [locationId]);
      if (active.length === 0) await refuseLocation(tx, storeId, locationId);
    }
    const place = locationId ?? (await sharedDefault(tx, storeId));
    const isMissing =
      locationId !== undefined || (await store.selectOf(tx, storeId, variantId, null)).length === 0;
    if (isMissing) await store.ensureLevel(tx, storeId, variantId, place, productId);
    const before = await store.lockOf(tx, storeId, variantId, locationId ?? null);
    if (backorder === false && before.some(level => level.reserved > level.onHand || level.onHand < 0)) {
      throw conflict("backorder_in_use", "More units are promised than there are. Bring stock first.");
    }
    const locked = before.map(level => level.locationId);
    const after = await store.updateOf(tx, storeId, variantId, locked, { backorder, lowThreshold });
    if (before.some((level, i) => level.backorder !== after[i]!.backorder)) {
      await emit(tx, author, { type: "stock.changed", productIds: [productId] });
    }
    await recordAudit(
      tx,
      ...after.map((level, i) => ({
        ...author,
        action: "update",
        entity: "stock_level",
        entityId: variantId,
        changes: diff(settings(before[i]!), settings(level)),
      })),
    );
    return after;
  });
}

/** The default location, held until the transaction ends: another may take its place, and then it may be deleted. */
async function sharedDefault(tx: Tx, storeId: string): Promise<string> {
  for (;;) {
    const id = await defaultLocation(tx, storeId);
    if ((await shareActive(tx, storeId, [id])).length > 0) return id;
  }
}

const settings = ({ locationId, backorder, lowThreshold }: Level) => ({
  locationId,
  backorder,
  lowThreshold,
});

async function refuseLocation(sql: Sql, storeId: string, locationId: string): Promise<never> {
  if (await store.locationExists(sql, storeId, locationId)) {
    throw conflict("location_inactive", "This location is switched off.");
  }
  throw notFound("location");
}
