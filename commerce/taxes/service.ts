import { conflict, invalid, notFound, stale } from "../../platform/errors.ts";
import { isId, newId } from "../../platform/ids.ts";
import { lookup } from "../../platform/lookup.ts";
import { idCursor, type Page, pageOf } from "../../platform/page.ts";
import { type Db, type Sql, type Tx, transaction } from "../../platform/postgres/index.ts";
import { clean } from "../../platform/text.ts";
import { type Author, diff, recordAudit } from "../audit/index.ts";
import { productExists } from "../catalog/index.ts";
import type { NewRate, RateChange, SettingsChange, TaxCategory, TaxRate, TaxSettings } from "./model.ts";
import * as store from "./store.ts";

type Expected = number | "any";

const audited = (author: Author, action: string, entity: string, entityId: string) => ({
  ...author,
  action,
  entity,
  entityId,
});

const shown = ({ country, region, category, name, ratePpm }: TaxRate) => ({
  country,
  region,
  category,
  name,
  ratePpm,
});

/** @throws Problem 409 `tax_rate_exists` when the place has a rate of that category; 422. */
export async function createTaxRate(sql: Db, author: Author, input: NewRate): Promise<TaxRate> {
  const region = clean(input.region ?? "").toUpperCase() || null;
  const { country, category = "standard", ratePpm } = input;
  if (category === "zero" && ratePpm !== 0) throw notZero();
  return transaction(sql, async tx => {
    const rate = { id: newId("tax"), country, region, category, name: clean(input.name), ratePpm };
    const made = await store.insertRate(tx, author.storeId, rate);
    if (!made) throw conflict("tax_rate_exists", "This place has a rate of that category already.");
    await recordAudit(tx, {
      ...audited(author, "create", "tax_rate", made.id),
      changes: diff(null, shown(made)),
    });
    return made;
  });
}

/** @throws Problem 404. */
export async function getTaxRate(sql: Sql, storeId: string, id: string): Promise<TaxRate> {
  const rate = isId("tax", id) ? await store.selectRate(sql, storeId, id) : null;
  if (!rate) throw notFound("tax rate");
  return rate;
}

/** Oldest first. @throws Problem 422 for a made-up cursor. */
export async function listTaxRates(
  sql: Sql,
  storeId: string,
  query: { limit: number; cursor?: string | undefined; country?: string | undefined },
): Promise<Page<TaxRate>> {
  const { limit, country = null } = query;
  const after = idCursor("tax", query.cursor) ?? null;
  return pageOf(await store.selectRates(sql, storeId, { after, country, limit: limit + 1 }), limit);
}

/** Orders keep the rate they were bought at. @throws Problem 404; 412 when it has another version; 422. */
export function changeTaxRate(
  sql: Db,
  author: Author,
  id: string,
  expected: Expected,
  change: RateChange,
): Promise<TaxRate> {
  return transaction(sql, async tx => {
    const before = await locked(tx, author.storeId, id, expected);
    const name = change.name === undefined ? before.name : clean(change.name);
    const ratePpm = change.ratePpm ?? before.ratePpm;
    if (before.category === "zero" && ratePpm !== 0) throw notZero();
    const after = await store.updateRate(tx, author.storeId, id, { name, ratePpm });
    const changes = diff(shown(before), shown(after));
    await recordAudit(tx, { ...audited(author, "update", "tax_rate", id), changes });
    return after;
  });
}

/** @throws Problem 404; 412 when it has another version. */
export function deleteTaxRate(sql: Db, author: Author, id: string, expected: Expected): Promise<void> {
  return transaction(sql, async tx => {
    const before = await locked(tx, author.storeId, id, expected);
    await store.removeRate(tx, author.storeId, id);
    const changes = diff(shown(before), null);
    await recordAudit(tx, { ...audited(author, "delete", "tax_rate", id), changes });
  });
}

async function locked(tx: Tx, storeId: string, id: string, expected: Expected): Promise<TaxRate> {
  const rate = isId("tax", id) ? await store.lockRate(tx, storeId, id) : null;
  if (!rate) throw notFound("tax rate");
  if (expected !== "any" && rate.version !== expected) throw stale(rate.version);
  return rate;
}

const notZero = () => invalid([{ path: "ratePpm", message: "must be 0 in the category zero" }]);

/** What a store has that never said anything: tax is added, and nothing is known of a buyer without an address. */
const defaults: TaxSettings = { pricesIncludeTax: false, defaultCountry: null, version: 1 };

export async function getTaxSettings(sql: Sql, storeId: string): Promise<TaxSettings> {
  return (await store.selectSettings(sql, storeId)) ?? defaults;
}

/** The same, at most a second old. */
export const taxSettingsLately = lookup((sql, storeId) => getTaxSettings(sql, storeId));

/** Open carts follow at once: their totals are computed when they are read. @throws Problem 412. */
export async function changeTaxSettings(
  sql: Db,
  author: Author,
  expected: Expected,
  change: SettingsChange,
): Promise<TaxSettings> {
  const { storeId } = author;
  const after = await transaction(sql, async tx => {
    const before = await store.lockSettings(tx, storeId);
    if (expected !== "any" && before.version !== expected) throw stale(before.version);
    const { pricesIncludeTax = before.pricesIncludeTax, defaultCountry = before.defaultCountry } = change;
    const settings = { pricesIncludeTax, defaultCountry };
    const after = await store.updateSettings(tx, storeId, settings);
    const { version: _, ...old } = before;
    await recordAudit(tx, {
      ...audited(author, "update", "tax_settings", storeId),
      changes: diff(old, settings),
    });
    return after;
  });
  taxSettingsLately.forget(sql, storeId);
  return after;
}

/** @throws Problem 404 for a product that the store doesn't have. */
export async function getTaxCategory(sql: Sql, storeId: string, productId: string): Promise<TaxCategory> {
  if (!(await isProduct(sql, storeId, productId))) throw notFound("product");
  return store.selectCategory(sql, storeId, productId);
}

/** How a product is taxed, with all its variants. @throws Problem 404. */
export function setTaxCategory(
  sql: Db,
  author: Author,
  productId: string,
  category: TaxCategory,
): Promise<void> {
  const { storeId } = author;
  return transaction(sql, async tx => {
    if (!(await isProduct(tx, storeId, productId))) throw notFound("product");
    const before = await store.selectCategory(tx, storeId, productId);
    await store.putCategory(tx, storeId, productId, category);
    await recordAudit(tx, {
      ...audited(author, "update", "product", productId),
      changes: diff({ taxCategory: before }, { taxCategory: category }),
    });
  });
}

const isProduct = async (sql: Sql, storeId: string, id: string) =>
  isId("prod", id) && (await productExists(sql, storeId, id));
