import { conflict, invalid, notFound, stale } from "../../platform/errors.ts";
import { isId, newId } from "../../platform/ids.ts";
import { lookup } from "../../platform/lookup.ts";
import { idCursor, type Page, pageOf } from "../../platform/page.ts";
import { type Db, type Sql, type Tx, transaction } from "../../platform/postgres/index.ts";
import { clean } from "../../platform/text.ts";
import { type Author, diff, recordAudit } from "../audit/index.ts";
import { sellsIn, storeFacts } from "../pricing/index.ts";
import { getStore } from "../stores/index.ts";
import {
  limits,
  type MethodChange,
  type MethodStatus,
  type NewMethod,
  type OfferedMethod,
  type ShippingMethod,
} from "./model.ts";
import * as store from "./store.ts";

type Expected = number | "any";

const audited = (author: Author, action: string, entityId: string) => ({
  ...author,
  action,
  entity: "shipping_method",
  entityId,
});

function settingsOf(method: store.Settings): store.Settings {
  const { name, amountMinor, countries, freeOverMinor, taxCategory, status } = method;
  return { name, amountMinor, countries, freeOverMinor, taxCategory, status };
}

function applied(before: store.Settings, change: MethodChange): store.Settings {
  const { amountMinor, taxCategory, status } = change;
  return {
    name: change.name === undefined ? before.name : clean(change.name),
    amountMinor: amountMinor ?? before.amountMinor,
    countries: [...new Set(change.countries ?? before.countries)],
    freeOverMinor: change.freeOverMinor === undefined ? before.freeOverMinor : change.freeOverMinor,
    taxCategory: taxCategory ?? before.taxCategory,
    status: status ?? before.status,
  };
}

/** @throws Problem 409 `too_many_shipping_methods`; 422 for a currency that the store does not sell in. */
export async function createShippingMethod(
  sql: Db,
  author: Author,
  input: NewMethod,
): Promise<ShippingMethod> {
  const { storeId } = author;
  const start = { freeOverMinor: null, countries: [], taxCategory: "standard", status: "active" } as const;
  const made = await transaction(sql, async tx => {
    const shop = await getStore(tx, storeId);
    if (!shop) throw notFound("store");
    const currency = input.currency ?? shop.currency;
    if (!(await sellsIn(tx, shop, currency))) {
      throw invalid([{ path: "currency", message: `this store does not sell in ${currency}` }]);
    }
    if ((await store.lockStore(tx, storeId)) >= limits.methods) {
      throw conflict("too_many_shipping_methods", `A store has at most ${limits.methods}.`);
    }
    const settings = applied({ ...start, countries: [], name: "", amountMinor: input.amountMinor }, input);
    const method = await store.insertMethod(tx, storeId, { ...settings, id: newId("ship"), currency });
    const changes = diff(null, { ...settings, currency });
    await recordAudit(tx, { ...audited(author, "create", method.id), changes });
    return method;
  });
  recentOffers.forget(sql, storeId);
  return made;
}

/** @throws Problem 404. */
export async function getShippingMethod(sql: Sql, storeId: string, id: string): Promise<ShippingMethod> {
  const method = isId("ship", id) ? await store.selectMethod(sql, storeId, id) : null;
  if (!method) throw notFound("shipping method");
  return method;
}

/** Oldest first. @throws Problem 422 for a made-up cursor. */
export async function listShippingMethods(
  sql: Sql,
  storeId: string,
  query: { limit: number; cursor?: string | undefined; status?: MethodStatus | undefined },
): Promise<Page<ShippingMethod>> {
  const { limit, status = null } = query;
  const after = idCursor("ship", query.cursor) ?? null;
  return pageOf(await store.selectMethods(sql, storeId, { after, status, limit: limit + 1 }), limit);
}

/** Open carts follow at once. @throws Problem 404; 412 when it has another version. */
export async function changeShippingMethod(
  sql: Db,
  author: Author,
  id: string,
  expected: Expected,
  change: MethodChange,
): Promise<ShippingMethod> {
  const after = await transaction(sql, async tx => {
    const before = await locked(tx, author.storeId, id, expected);
    const after = await store.updateMethod(tx, author.storeId, id, applied(before, change));
    const changes = diff(settingsOf(before), settingsOf(after));
    await recordAudit(tx, { ...audited(author, "update", id), changes });
    return after;
  });
  recentOffers.forget(sql, author.storeId);
  return after;
}

/** Carts that have it lose it; orders keep its name. @throws Problem 404; 412 when it has another version. */
export async function deleteShippingMethod(
  sql: Db,
  author: Author,
  id: string,
  expected: Expected,
): Promise<void> {
  await transaction(sql, async tx => {
    const before = await locked(tx, author.storeId, id, expected);
    await store.removeMethod(tx, author.storeId, id);
    const changes = diff(settingsOf(before), null);
    await recordAudit(tx, { ...audited(author, "delete", id), changes });
  });
  recentOffers.forget(sql, author.storeId);
}

async function locked(tx: Tx, storeId: string, id: string, expected: Expected): Promise<ShippingMethod> {
  const method = isId("ship", id) ? await store.lockMethod(tx, storeId, id) : null;
  if (!method) throw notFound("shipping method");
  if (expected !== "any" && method.version !== expected) throw stale(method.version);
  return method;
}

const recentOffers = lookup((sql, storeId) => store.selectOffered(sql, storeId));

/** What a shop offers, cheapest first, as it was at most a second ago. Without a country: wherever it may go. */
export async function offeredMethods(
  sql: Db,
  storeId: string,
  wanted: { country?: string | undefined; currency?: string | undefined },
): Promise<OfferedMethod[]> {
  const { country } = wanted;
  const currency = wanted.currency ?? (await storeFacts(sql, storeId))?.currency;
  const offers = await recentOffers(sql, storeId);
  return offers.filter(
    one =>
      one.currency === currency &&
      (country === undefined || one.countries.length === 0 || one.countries.includes(country)),
  );
}
