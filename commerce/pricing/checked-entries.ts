/** Entries from outside, checked against the catalog. */
import { type FieldError, invalid } from "../../platform/errors.ts";
import type { Tx } from "../../platform/postgres/index.ts";
import type { ListEntry, NewEntry } from "./model.lists.ts";
import * as store from "./store.lists.ts";

export const productsOf = (entries: readonly ListEntry[]) => [
  ...new Set(entries.map(entry => entry.productId)),
];

/** With the products of the variants. @throws Problem 422 for repeated keys and variants that the store doesn't have. */
export async function checkedEntries(
  tx: Tx,
  storeId: string,
  entries: readonly NewEntry[],
): Promise<ListEntry[]> {
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
