/** The currencies that a store sells in: its own, and those that it enables beside it. */
import { conflict, invalid, notFound } from "../../platform/errors.ts";
import type { Sql } from "../../platform/postgres/index.ts";
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

/** @throws Problem 422 for what is no currency in use. */
export async function enableCurrency(sql: Sql, shop: Shop, code: string): Promise<void> {
  if (!exponents.has(code)) {
    throw invalid([{ path: "code", message: "must be a currency of ISO 4217, such as EUR" }]);
  }
  if (code !== shop.currency) await insertCurrency(sql, shop.id, code);
}

/** Its prices stay, for the day it is enabled again. @throws Problem 404; 409 for the store's own. */
export async function disableCurrency(sql: Sql, shop: Shop, code: string): Promise<void> {
  if (code === shop.currency) {
    throw conflict("default_currency", "A store always sells in its own currency.");
  }
  if (!(await deleteCurrency(sql, shop.id, code))) throw notFound("currency");
}
