/**
 * What a product becomes when an input is applied to it: pure, so that "nothing changed" is decided in one place.
 *
 * Variants of the input are matched to those that exist by their option values, else by SKU within the product (an
 * option value was renamed). Variants that the input does not name stay: carts and orders point at them.
 */
import { newId } from "../../platform/ids.ts";
import {
  limits,
  type ProductInput,
  type ProductState,
  type Refusal,
  type VariantInput,
  type VariantState,
} from "./model.ts";

export type Plan = {
  before: ProductState | null;
  after: ProductState;
  change: "created" | "updated" | "unchanged";
  /** Which variant each accepted row became. */
  matched: { ref: number; variantId: string }[];
  refusals: Refusal[];
};

/** Who uses a SKU so far: SKU → product id. */
export type SkuOwners = ReadonlyMap<string, string>;

type Match = { input: VariantInput; existing: VariantState | null };

/** Null when nothing of the input can be applied; then `refusals` says why. */
export function planProduct(
  before: ProductState | null,
  input: ProductInput,
  owners: SkuOwners,
): { plan: Plan | null; refusals: Refusal[] } {
  if (!before && input.title === undefined) {
    return refused(input, "title", "is missing, and there is no product with this handle yet");
  }
  const optionNames = input.optionNames ?? before?.optionNames ?? [];
  const refusals: Refusal[] = [];
  const accepted = matchVariants(before, input, optionNames.length, owners, refusals);
  if (!before && accepted.length === 0) return { plan: null, refusals };
  const base = before ?? blank(input.handle);
  const after: ProductState = { ...base, ...productFields(base, input), optionNames };
  const { variants, matched } = mergeVariants(after, input, accepted);
  after.variants = variants;
  after.images = mergeImages(base, input, refusals);
  const change = !before ? "created" : Bun.deepEquals(before, after) ? "unchanged" : "updated";
  return { plan: { before, after, change, matched, refusals }, refusals };
}

function refused(input: ProductInput, field: Refusal["field"], message: string) {
  const refs = input.variants.length > 0 ? input.variants.map(variant => variant.ref) : [input.ref];
  return { plan: null, refusals: refs.map(ref => ({ ref, field, message })) };
}

function blank(handle: string): ProductState {
  return {
    id: newId("prod"),
    handle,
    title: handle,
    description: "",
    vendor: "",
    type: "",
    status: "draft",
    tags: [],
    categories: [],
    optionNames: [],
    variants: [],
    images: [],
  };
}

function productFields(base: ProductState, input: ProductInput) {
  return {
    title: input.title ?? base.title,
    description: input.description ?? base.description,
    vendor: input.vendor ?? base.vendor,
    type: input.type ?? base.type,
    status: input.status ?? base.status,
    tags: input.tags ?? base.tags,
    categories: input.categories?.map(category => category.handle).sort() ?? base.categories,
  };
}

/** Pairs rows with variants and refuses, in the order of the file, those that would break a rule of the product. */
function matchVariants(
  before: ProductState | null,
  input: ProductInput,
  optionCount: number,
  owners: SkuOwners,
  refusals: Refusal[],
): Match[] {
  let matches = pair(before?.variants ?? [], input.variants);
  for (;;) {
    const refusal = firstConflict(before, matches, optionCount, owners);
    if (!refusal) return matches;
    refusals.push(refusal);
    matches = matches.filter(match => match.input.ref !== refusal.ref);
  }
}

function pair(existing: readonly VariantState[], inputs: readonly VariantInput[]): Match[] {
  const byOptions = new Map(existing.map(variant => [optionKey(variant.optionValues), variant]));
  const bySku = new Map(existing.filter(variant => variant.sku).map(variant => [variant.sku, variant]));
  const taken = new Set<string>();
  const take = (variant: VariantState | undefined): VariantState | null => {
    if (!variant || taken.has(variant.id)) return null;
    taken.add(variant.id);
    return variant;
  };
  const first = inputs.map(input => ({
    input,
    existing: take(byOptions.get(optionKey(input.optionValues))),
  }));
  return first.map(match => (match.existing || !match.input.sku ? match : withSku(match, bySku, take)));
}

function withSku(
  match: Match,
  bySku: ReadonlyMap<string | null, VariantState>,
  take: (variant: VariantState | undefined) => VariantState | null,
): Match {
  return { input: match.input, existing: take(bySku.get(match.input.sku ?? null)) };
}

/** The first row that can't stand beside the variants that stay and the rows before it. */
function firstConflict(
  before: ProductState | null,
  matches: readonly Match[],
  optionCount: number,
  owners: SkuOwners,
): Refusal | null {
  const touched = new Set(matches.map(match => match.existing?.id));
  const kept = before?.variants.filter(variant => !touched.has(variant.id)) ?? [];
  const foreign = (sku: string) => owners.has(sku) && owners.get(sku) !== before?.id;
  const options = new Set(kept.map(variant => optionKey(variant.optionValues)));
  const skus = new Set(kept.map(variant => variant.sku));
  const otherwise = kept.some(variant => variant.optionValues.length !== optionCount);
  let count = kept.length;
  for (const { input, existing: variant } of matches) {
    const refuse = (field: Refusal["field"], message: string) => ({ ref: input.ref, field, message });
    const sku = input.sku === undefined ? variant?.sku : input.sku;
    const key = optionKey(input.optionValues);
    if (input.optionValues.length !== optionCount) {
      return refuse("options", `needs a value for each of the product's ${optionCount} options`);
    }
    if (otherwise) {
      return refuse("options", "differ in number from those of variants that the product already has");
    }
    if (options.has(key)) return refuse("options", "are those of another variant of the product");
    if (sku && (foreign(sku) || skus.has(sku))) return refuse("sku", "is already used by another variant");
    if (++count > limits.variants) return refuse("variants", `are more than ${limits.variants}`);
    options.add(key);
    if (sku) skus.add(sku);
  }
  return null;
}

function mergeVariants(product: ProductState, input: ProductInput, accepted: readonly Match[]) {
  const last = Math.max(0, ...product.variants.map(variant => variant.position));
  const next = new Map(product.variants.map(variant => [variant.id, variant]));
  const matched: Plan["matched"] = [];
  accepted.forEach((match, index) => {
    const position = input.title === undefined ? (match.existing?.position ?? last + index + 1) : index + 1;
    const variant = variantFrom(match, product.title, position);
    next.set(variant.id, variant);
    matched.push({ ref: match.input.ref, variantId: variant.id });
  });
  // The title of a variant without options is the product's, also where no row names the variant.
  const variants = [...next.values()].map(variant =>
    variant.optionValues.length === 0 ? { ...variant, title: product.title } : variant,
  );
  return { variants, matched };
}

function variantFrom({ input, existing }: Match, productTitle: string, position: number): VariantState {
  return {
    id: existing?.id ?? newId("var"),
    position,
    title: input.optionValues.join(" / ") || productTitle,
    sku: input.sku === undefined ? (existing?.sku ?? null) : input.sku,
    barcode: input.barcode === undefined ? (existing?.barcode ?? null) : input.barcode,
    optionValues: input.optionValues,
    grams: input.grams ?? existing?.grams ?? 0,
    requiresShipping: input.requiresShipping ?? existing?.requiresShipping ?? true,
    taxable: input.taxable ?? existing?.taxable ?? true,
  };
}

function mergeImages(base: ProductState, input: ProductInput, refusals: Refusal[]) {
  if (!input.images || input.images.length === 0) return base.images;
  const images = new Map(input.title === undefined ? base.images.map(image => [image.src, image]) : []);
  for (const image of input.images) images.set(image.src, image);
  if (images.size > limits.images) {
    refusals.push({ ref: input.ref, field: "images", message: `are more than ${limits.images}` });
  }
  return [...images.values()].slice(0, limits.images);
}

function optionKey(values: readonly string[]): string {
  return JSON.stringify(values);
}
