/**
 * Where stock lies. A store has one default location, made with its first stock or by hand; it is active. A location that is not
 * active holds nothing and takes nothing: it can be switched off only when its levels are empty and no transfer is open, under
 * its row's lock, which everything that brings stock takes shared.
 */
import { conflict, invalid, notFound, stale } from "../../platform/errors.ts";
import { isId, newId } from "../../platform/ids.ts";
import { decodeCursor, encodeCursor, type Page, pageOf } from "../../platform/page.ts";
import { type Db, type Sql, type Tx, transaction } from "../../platform/postgres/index.ts";
import { type Author, diff, recordAudit } from "../audit/index.ts";
import type { Location, LocationChange } from "./model.ts";
import * as store from "./store.locations.ts";

const shown = ({ name, isDefault, active }: Location) => ({ name, isDefault, active });

const audited = (author: Author, action: string, id: string) => ({
  ...author,
  action,
  entity: "location",
  entityId: id,
});

/** The first location of a store is its default one, whatever `isDefault` says. */
export function createLocation(
  sql: Db,
  author: Author,
  input: { name: string; isDefault?: true | undefined },
): Promise<Location> {
  return transaction(sql, async tx => {
    await store.lockStore(tx, author.storeId);
    const isFirst = (await store.selectDefault(tx, author.storeId)) === null;
    if (input.isDefault && !isFirst) await store.clearDefault(tx, author.storeId);
    const location = await store.insert(tx, author.storeId, {
      id: newId("loc"),
      name: input.name.toWellFormed(),
      isDefault: isFirst || input.isDefault === true,
    });
    await recordAudit(tx, {
      ...audited(author, "create", location.id),
      changes: diff(null, shown(location)),
    });
    return location;
  });
}

/** @throws Problem 404. */
export async function getLocation(sql: Sql, storeId: string, id: string): Promise<Location> {
  const location = isId("loc", id) ? await store.select(sql, storeId, id) : null;
  if (!location) throw notFound("location");
  return location;
}

/** Oldest first. @throws Problem 422 for a made-up cursor. */
export async function listLocations(
  sql: Sql,
  storeId: string,
  query: { limit: number; cursor?: string | undefined },
): Promise<Page<Location>> {
  const after = decodeCursor(query.cursor, 1, /^loc_\w{1,64}$/)?.[0] ?? null;
  const found = await store.selectPage(sql, storeId, after, query.limit + 1);
  return pageOf(found, query.limit, location => encodeCursor([location.id]));
}

/** @throws Problem 404; 409 `location_in_use` where it can't be switched off; 412 when it has another version. */
export function changeLocation(
  sql: Db,
  author: Author,
  id: string,
  expected: number | "any",
  change: LocationChange,
): Promise<Location> {
  return transaction(sql, async tx => {
    await store.lockStore(tx, author.storeId);
    const before = await locked(tx, author.storeId, id, expected);
    const isDefault = change.isDefault ?? before.isDefault;
    const active = change.active ?? before.active;
    if (isDefault && !active) {
      throw invalid([{ path: "active", message: "the default location is always active" }]);
    }
    if (before.active && !active) await retire(tx, author.storeId, id);
    if (isDefault && !before.isDefault) await store.clearDefault(tx, author.storeId);
    const name = change.name?.toWellFormed() ?? before.name;
    const after = await store.update(tx, author.storeId, id, { name, isDefault, active });
    await recordAudit(tx, {
      ...audited(author, "update", id),
      changes: diff(shown(before), shown(after)),
    });
    return after;
  });
}

/** Only a location that never held anything can go. @throws Problem 404; 409 `location_in_use`; 412. */
export function deleteLocation(sql: Db, author: Author, id: string, expected: number | "any"): Promise<void> {
  return transaction(sql, async tx => {
    await store.lockStore(tx, author.storeId);
    const before = await locked(tx, author.storeId, id, expected);
    if (before.isDefault || (await store.wasUsed(tx, author.storeId, id))) {
      throw conflict(
        "location_in_use",
        "The default location, and one that has held stock, can't be deleted. Switch it off instead.",
      );
    }
    await store.remove(tx, author.storeId, id);
    await recordAudit(tx, { ...audited(author, "delete", id), changes: diff(shown(before), null) });
  });
}

async function locked(tx: Tx, storeId: string, id: string, expected: number | "any"): Promise<Location> {
  const location = isId("loc", id) ? await store.lock(tx, storeId, id) : null;
  if (!location) throw notFound("location");
  if (expected !== "any" && location.version !== expected) throw stale(location.version);
  return location;
}

async function retire(tx: Tx, storeId: string, id: string): Promise<void> {
  if (await store.holdsSomething(tx, storeId, id)) {
    throw conflict(
      "location_in_use",
      "It still has stock, or a transfer from or to it is open. Move the stock first.",
    );
  }
  await store.stopBackorders(tx, storeId, id);
}
