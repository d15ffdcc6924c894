/**
 * Tax on what is sold. Owns `taxes.rate` (per country or region and category), `taxes.setting` (whether a store's prices
 * include tax) and `taxes.product_category`. Publishes `taxes.terms(store, country, region)`, `taxes.categories(store,
 * products)` and `taxes.of(amount, rate, included)`, of which `carts.quotes` computes the tax of carts and orders.
 *
 * Always holds: rates are whole parts per million; a place has one rate a category, a region's goes before its
 * country's, and `reduced` without a rate of its own is taxed as `standard`; tax is rounded once a line, to the nearest
 * minor unit, halves away from zero, and an amount that includes tax is exactly its net and its tax
 * (migrations/0001_taxes.sql gives the formula and its sources).
 */

export {
  limits,
  type NewRate,
  type RateChange,
  type SettingsChange,
  type TaxCategory,
  type TaxRate,
  type TaxSettings,
  taxCategories,
} from "./model.ts";
export {
  changeTaxRate,
  changeTaxSettings,
  createTaxRate,
  deleteTaxRate,
  getTaxCategory,
  getTaxRate,
  getTaxSettings,
  listTaxRates,
  setTaxCategory,
  taxSettingsLately,
} from "./service.ts";
