import { emit, type Origin } from "../../bus/index.ts";
import type { Tx } from "../../platform/postgres/index.ts";
import type { Category, ProductInput, Refusal } from "./model.ts";
import { type Plan, planProduct } from "./plan.ts";
import { deleteMedia, lockAsset, type Media, touchProducts, upsertMedia } from "./store.read.ts";
import {
  ensureCategories,
  lockProducts,
  lockStore,
  planFreshly,
  selectSkuOwners,
  writePlans,
} from "./store.ts";

export type UpsertResult = {
  products: { id: string; handle: string; change: Plan["change"] }[];
  /** Which variant each accepted row became. */
  variants: { ref: number; variantId: string; productId: string }[];
  refusals: Refusal[];
};

/**
 * Creates and changes products, by handle: a fixed number of statements per call, however many products. Handles must
 * not repeat within `inputs`. What the store has already is left alone, so that the same inputs twice change nothing.
 * The caller emits `product.changed` for what is created or updated (once, together with what it changes elsewhere).
 */
export async function upsertProducts(
  tx: Tx,
  storeId: string,
  inputs: readonly ProductInput[],
): Promise<UpsertResult> {
  await lockStore(tx, storeId);
  await planFreshly(tx, true);
  const handles = inputs.map(input => input.handle);
  const states = await lockProducts(tx, storeId, handles);
  const owners = await skuOwners(tx, storeId, inputs);
  const { plans, refusals } = planAll(inputs, new Map(states.map(state => [state.handle, state])), owners);
  const planned = new Set(plans.map(plan => plan.after.handle));
  const categoryIds = await ensureCategories(tx, storeId, categoriesOf(inputs, planned));
  await writePlans(tx, storeId, plans, categoryIds);
  await planFreshly(tx, false);
  return {
    products: plans.map(({ after, change }) => ({ id: after.id, handle: after.handle, change })),
    variants: plans.flatMap(({ after, matched }) =>
      matched.map(({ ref, variantId }) => ({ ref, variantId, productId: after.id })),
    ),
    refusals,
  };
}

async function skuOwners(tx: Tx, storeId: string, inputs: readonly ProductInput[]) {
  const skus = inputs.flatMap(input => input.variants.flatMap(variant => variant.sku ?? []));
  const rows = await selectSkuOwners(tx, storeId, [...new Set(skus)]);
  return new Map(rows.map(row => [row.sku, row.productId]));
}

/** In order: a SKU that an earlier product of the batch takes is refused to a later one. */
function planAll(
  inputs: readonly ProductInput[],
  states: ReadonlyMap<string, Plan["after"]>,
  owners: Map<string, string>,
) {
  const plans: Plan[] = [];
  const refusals: Refusal[] = [];
  for (const input of inputs) {
    const before = states.get(input.handle) ?? null;
    const result = planProduct(before, input, owners);
    refusals.push(...result.refusals);
    if (!result.plan) continue;
    plans.push(result.plan);
    for (const { sku } of result.plan.after.variants) if (sku) owners.set(sku, result.plan.after.id);
  }
  return { plans, refusals };
}

function categoriesOf(inputs: readonly ProductInput[], planned: ReadonlySet<string>): Category[] {
  const all = inputs.filter(input => planned.has(input.handle)).flatMap(input => input.categories ?? []);
  return [...new Map(all.map(category => [category.handle, category])).values()];
}

/** One writer an asset at a time, to the end of the transaction; take it before reading the asset. */
export function lockMedia(tx: Tx, storeId: string, assetId: string): Promise<void> {
  return lockAsset(tx, storeId, assetId);
}

/**
 * Shows an asset's variants with its product, and emits `product.changed` where that changes something. Nothing
 * happens when all is as it should be, or the product is not there (any more).
 */
export async function attachMedia(tx: Tx, origin: Origin, media: Media): Promise<void> {
  await lockAsset(tx, origin.storeId, media.assetId);
  await announce(tx, origin, await upsertMedia(tx, origin.storeId, media));
}

/** Stops showing an asset. */
export async function detachMedia(tx: Tx, origin: Origin, assetId: string): Promise<void> {
  await announce(tx, origin, await deleteMedia(tx, origin.storeId, assetId));
}

async function announce(tx: Tx, origin: Origin, productIds: string[]): Promise<void> {
  if (productIds.length === 0) return;
  await touchProducts(tx, origin.storeId, productIds);
  await emit(tx, origin, ...productIds.map(productId => ({ type: "product.changed" as const, productId })));
}
