/** The currencies that a store sells in: its own, and those that it enables beside it. */
import { conflict, invalid, notFound } from "../../platform/errors.ts";
import { lookup } from "../../platform/lookup.ts";
import { type Db, type Sql, transaction } from "../../platform/postgres/index.ts";
import { type Author, recordAudit } from "../audit/index.ts";
import { getStore } from "../stores/index.ts";
import { exponents } from "./iso4217.ts";
import { minorDigits } from "./model.ts";
import { deleteCurrency, insertCurrency, selectCurrencies } from "./store.ts";

type Shop = { id: string; currency: string };

export type SellingCurrency = {
  code: string;
  /** Decimal places of the minor unit. */
  exponent: number;
  /** The store's own. */
  isDefault: boolean;
};

export async function listCurrencies(sql: Sql, shop: Shop): Promise<SellingCurrency[]> {
  const others = (await selectCurrencies(sql, shop.id)).filter(code => code !== shop.currency);
  return [shop.currency, ...others].map(code => ({
    code,
    exponent: minorDigits(code),
    isDefault: code === shop.currency,
  }));
}

export async function sellsIn(sql: Sql, shop: Shop, code: string): Promise<boolean> {
  return code === shop.currency || (await selectCurrencies(sql, shop.id)).includes(code);
}

const recentStore = lookup((sql, storeId) => getStore(sql, storeId));
const recentCurrencies = lookup((sql, storeId) => selectCurrencies(sql, storeId));

/** The store as it was at most a second ago; null when there is none. */
export const storeFacts = (sql: Db, storeId: string) => recentStore(sql, storeId);

/** As {@link sellsIn}, by what was true at most a second ago; a currency enabled meanwhile is seen at once. */
export async function sellsInLately(sql: Db, shop: Shop, code: string): Promise<boolean> {
  if (code === shop.currency || (await recentCurrencies(sql, shop.id)).includes(code)) return true;
  if (!exponents.has(code)) return false;
  recentCurrencies.forget(sql, shop.id);
  return (await recentCurrencies(sql, shop.id)).includes(code);
}

/** @throws Problem 422 for what is no currency in use. */
export async function enableCurrency(sql: Db, author: Author, shop: Shop, code: string): Promise<void> {
  if (!exponents.has(code)) {
    throw invalid([{ path: "code", message: "must be a currency of ISO 4217, such as EUR" }]);
  }
  return transaction(sql, async tx => {
    if (code === shop.currency || !(await insertCurrency(tx, shop.id, code))) return;
    await recordAudit(tx, { ...audited(author, code), action: "create" });
  });
}

/** Its prices stay, for the day it is enabled again. @throws Problem 404; 409 for the store's own. */
export async function disableCurrency(sql: Db, author: Author, shop: Shop, code: string): Promise<void> {
  if (code === shop.currency) {
    throw conflict("default_currency", "A store always sells in its own currency.");
  }
  await transaction(sql, async tx => {
    if (!(await deleteCurrency(tx, shop.id, code))) throw notFound("currency");
    await recordAudit(tx, { ...audited(author, code), action: "delete" });
  });
  recentCurrencies.forget(sql, shop.id);
}

const audited = (author: Author, code: string) => ({
  ...author,
  entity: "currency",
  entityId: code,
  changes: {},
});
