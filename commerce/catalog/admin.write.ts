/** How an edit of a product is written; the caller holds the store's lock. */
import type { FieldError } from "../../platform/errors.ts";
import type { Tx } from "../../platform/postgres/index.ts";
import { clean } from "../../platform/text.ts";
import { forgetPrices, setPrices } from "../pricing/index.ts";
import { findCategories } from "./categories.ts";
import type { Edited, ImageEdit, VariantPrice } from "./edit.model.ts";
import type { ProductState } from "./model.ts";
import * as admin from "./store.admin.ts";
import { writePlans } from "./store.ts";

/** The order of the product's own pictures; null: they stay as they are. */
export async function placesOf(
  tx: Tx,
  storeId: string,
  productId: string,
  images: readonly ImageEdit[] | undefined,
  errors: FieldError[],
): Promise<admin.MediaPlace[] | null> {
  if (!images) return null;
  const known = new Map(
    (await admin.selectMediaPlaces(tx, storeId, productId)).map(place => [place.assetId, place]),
  );
  const seen = new Set<string>();
  const places: admin.MediaPlace[] = [];
  for (const [index, { assetId, alt }] of images.entries()) {
    if (assetId === undefined) continue;
    const place = known.get(assetId);
    const path = `images.${index}.assetId`;
    if (!place) errors.push({ path, message: "is no picture of this product; upload it with its productId" });
    else if (seen.has(assetId)) errors.push({ path, message: "is there twice" });
    else places.push({ assetId, alt: alt === undefined ? place.alt : clean(alt) });
    seen.add(assetId);
  }
  return places;
}

/** Writes an edit that has no faults: variants, fields, pictures, prices. */
export async function write(
  tx: Tx,
  storeId: string,
  before: ProductState | null,
  { after, prices }: Edited,
  places: admin.MediaPlace[] | null,
): Promise<void> {
  const kept = new Set(after.variants.map(variant => variant.id));
  const gone = before?.variants.filter(variant => !kept.has(variant.id)).map(variant => variant.id) ?? [];
  await admin.deleteVariants(tx, storeId, gone);
  await forgetPrices(tx, storeId, gone);
  const categoryIds = new Map(
    [...(await findCategories(tx, storeId, after.categories))].map(([word, { id }]) => [word, id]),
  );
  // Any edit is a change of the product: its version moves with it, whatever part was edited.
  const change = before ? "updated" : "created";
  await writePlans(tx, storeId, [{ before, after, change, matched: [], refusals: [] }], categoryIds);
  if (places) await admin.arrangeMedia(tx, storeId, after.id, places);
  for (const [currency, group] of Map.groupBy(prices, price => price.currency)) {
    const rows = group.map(({ currency: _, ...price }) => ({ ...price, productId: after.id }));
    await setPrices(tx, storeId, currency, rows);
  }
}

/** Prices that the edit really changes, for the log; undefined where there are none. */
export async function newPrices(tx: Tx, storeId: string, prices: readonly VariantPrice[]) {
  if (prices.length === 0) return undefined;
  const old = await admin.selectBasePrices(
    tx,
    storeId,
    prices.map(price => price.variantId),
  );
  const key = (one: VariantPrice) =>
    `${one.variantId} ${one.currency} ${one.amountMinor} ${one.compareAtMinor}`;
  const known = new Set(old.map(key));
  const changed = prices.filter(price => !known.has(key(price)));
  return changed.length > 0 ? changed : undefined;
}
