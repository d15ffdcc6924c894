import { exponents } from "./iso4217.ts";

/** What a variant costs now. `version` rises with each change of the amount; `source` names the rule that gave it. */
export type CurrentPrice = {
  variantId: string;
  amountMinor: number;
  compareAtMinor: number | null;
  version: number;
  source: string;
};

export type NewPrice = {
  variantId: string;
  productId: string;
  amountMinor: number;
  compareAtMinor: number | null;
};

/** Far below 2^53, so that sums over any cart stay exact; a hundred million of the major unit in most currencies. */
export const MAX_PRICE_MINOR = 10_000_000_000;

/** Decimal places of a currency's minor unit: 2 for EUR, 0 for JPY, 3 for KWD (ISO 4217); 2 for what is no currency. */
export function minorDigits(currency: string): number {
  return exponents.get(currency) ?? 2;
}

/**
 * Minor units of a decimal such as `9.99`, exactly: digits are moved, nothing is computed in floating point. Null for
 * what isn't a plain non-negative decimal, has more places than the currency (zeros apart), or is beyond
 * {@link MAX_PRICE_MINOR}.
 */
export function parseMinor(decimal: string, currency: string): number | null {
  const match = /^(\d{1,12})(?:\.(\d{1,12}))?$/.exec(decimal);
  if (!match) return null;
  const digits = minorDigits(currency);
  const fraction = (match[2] ?? "").replace(/0+$/, "");
  if (fraction.length > digits) return null;
  const minor = Number(`${match[1]}${fraction.padEnd(digits, "0")}`);
  return minor <= MAX_PRICE_MINOR ? minor : null;
}
