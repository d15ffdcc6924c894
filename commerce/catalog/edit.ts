/**
 * What a product becomes when an admin edits it: pure. All faults are collected, each with the path of its field, so that
 * a form can show them at once.
 *
 * `variants` is the whole list: those of it that carry an id, or the option values of a variant that exists, change that
 * variant; the others are new; a variant that is not in the list goes. Without `variants` they stay as they are.
 */
import type { FieldError } from "../../platform/errors.ts";
import { newId } from "../../platform/ids.ts";
import { clean } from "../../platform/text.ts";
import { sanitizeHtml } from "./html.ts";
import { type Image, limits, type ProductState, type ProductStatus, type VariantState } from "./model.ts";

export type PriceEdit = {
  /** ISO 4217; default: the store's. */
  currency?: string | undefined;
  amountMinor: number;
  compareAtMinor?: number | null | undefined;
};

/** A field left out keeps what the variant has, or takes its default in a new one. */
export type VariantEdit = {
  id?: string | undefined;
  sku?: string | null | undefined;
  barcode?: string | null | undefined;
  /** Option name → value, one for each option of the product. */
  options?: Record<string, string> | undefined;
  grams?: number | undefined;
  requiresShipping?: boolean | undefined;
  taxable?: boolean | undefined;
  price?: PriceEdit | undefined;
  prices?: PriceEdit[] | undefined;
};

export type ImageEdit = { assetId?: string | undefined; src?: string | undefined; alt?: string | undefined };

export type ProductEdit = {
  title?: string | undefined;
  handle?: string | undefined;
  /** HTML; what is not harmless is taken out. */
  description?: string | undefined;
  vendor?: string | undefined;
  type?: string | undefined;
  status?: ProductStatus | undefined;
  tags?: string[] | undefined;
  /** Ids or handles. */
  categories?: string[] | undefined;
  /** `values`, where given, are the only ones that variants may have. */
  options?: { name: string; values?: string[] | undefined }[] | undefined;
  variants?: VariantEdit[] | undefined;
  /** All of them, in order. */
  images?: ImageEdit[] | undefined;
};

/** What the edit needs to know of the rest of the shop. */
export type Surroundings = {
  /** Word of the edit → handle. */
  categories: ReadonlyMap<string, { handle: string }>;
  /** SKU → the product that has it. */
  skuOwners: ReadonlyMap<string, string>;
  currency: string;
};

export type VariantPrice = {
  variantId: string;
  currency: string;
  amountMinor: number;
  compareAtMinor: number | null;
};

export type Edited = { after: ProductState; prices: VariantPrice[]; errors: FieldError[] };

export function editProduct(before: ProductState, edit: ProductEdit, around: Surroundings): Edited {
  const errors: FieldError[] = [];
  const after: ProductState = { ...before, ...textFields(before, edit, errors) };
  after.categories = categoriesOf(before, edit, around, errors);
  after.optionNames = optionNames(before, edit, errors);
  const made = variantsOf(before, after, edit, errors);
  after.variants = made.map(one => one.variant);
  checkVariants(after, edit, around, errors);
  after.images = imagesOf(before, edit, errors);
  const prices = made.flatMap(({ variant, edit: row, path }) => pricesOf(variant, row, around, path, errors));
  return { after, prices, errors };
}

function textFields(before: ProductState, edit: ProductEdit, errors: FieldError[]) {
  const title = edit.title === undefined ? before.title : clean(edit.title);
  if (title === "") errors.push({ path: "title", message: "must not be empty" });
  const tags = edit.tags?.map(clean) ?? before.tags;
  tags.forEach((tag, index) => {
    if (tag === "") errors.push({ path: `tags.${index}`, message: "must not be empty" });
  });
  return {
    title,
    description: edit.description === undefined ? before.description : sanitizeHtml(clean(edit.description)),
    vendor: edit.vendor === undefined ? before.vendor : clean(edit.vendor),
    type: edit.type === undefined ? before.type : clean(edit.type),
    status: edit.status ?? before.status,
    // Tags that differ in case only are one.
    tags: [...new Map(tags.toReversed().map(tag => [tag.toLowerCase(), tag])).values()].toReversed(),
  };
}

function categoriesOf(
  before: ProductState,
  { categories }: ProductEdit,
  around: Surroundings,
  errors: FieldError[],
): string[] {
  if (!categories) return before.categories;
  const handles = categories.map((word, index) => {
    const found = around.categories.get(word);
    if (!found) errors.push({ path: `categories.${index}`, message: "is no category of this store" });
    return found?.handle ?? word;
  });
  return [...new Set(handles)].sort();
}

function optionNames(
  before: ProductState,
  { options, variants }: ProductEdit,
  errors: FieldError[],
): string[] {
  if (!options) return before.optionNames;
  const names = options.map(option => clean(option.name));
  const seen = new Set<string>();
  names.forEach((name, index) => {
    const path = `options.${index}.name`;
    if (name === "") errors.push({ path, message: "must not be empty" });
    else if (seen.has(name.toLowerCase())) errors.push({ path, message: "is the name of another option" });
    seen.add(name.toLowerCase());
  });
  if (!variants && names.length !== before.optionNames.length) {
    errors.push({ path: "variants", message: "are needed where the number of options changes" });
  }
  return names;
}

type Made = { variant: VariantState; edit: VariantEdit; path: string };

function variantsOf(
  before: ProductState,
  product: ProductState,
  { variants }: ProductEdit,
  errors: FieldError[],
): Made[] {
  if (!variants)
    return before.variants.map(variant => ({ variant: titled(variant, product), edit: {}, path: "" }));
  const byId = new Map(before.variants.map(variant => [variant.id, variant]));
  const byOptions = new Map(before.variants.map(variant => [keyOf(variant.optionValues), variant]));
  const taken = new Set(variants.flatMap(row => row.id ?? []));
  return variants.map((row, index) => {
    const path = `variants.${index}`;
    let existing = row.id === undefined ? undefined : byId.get(row.id);
    if (row.id !== undefined && !existing)
      errors.push({ path: `${path}.id`, message: "is no variant of this product" });
    const values = valuesOf(row, existing, product, path, errors);
    if (row.id === undefined) {
      existing = byOptions.get(keyOf(values));
      if (existing && taken.has(existing.id)) existing = undefined;
      if (existing) taken.add(existing.id);
    }
    const merged = merge(row, existing, values, index + 1);
    return { variant: titled(merged, product), edit: row, path };
  });
}

function valuesOf(
  row: VariantEdit,
  existing: VariantState | undefined,
  product: ProductState,
  path: string,
  errors: FieldError[],
): string[] {
  if (row.options === undefined && existing?.optionValues.length === product.optionNames.length) {
    return existing.optionValues;
  }
  const given = new Map(
    Object.entries(row.options ?? {}).map(([name, value]) => [clean(name), clean(value)]),
  );
  for (const name of given.keys()) {
    if (!product.optionNames.includes(name)) {
      errors.push({ path: `${path}.options.${name.slice(0, 80)}`, message: "is no option of the product" });
    }
  }
  return product.optionNames.map(name => {
    const value = given.get(name) ?? "";
    if (value === "") errors.push({ path: `${path}.options.${name}`, message: "needs a value" });
    return value;
  });
}

function merge(
  row: VariantEdit,
  existing: VariantState | undefined,
  optionValues: string[],
  position: number,
): VariantState {
  const text = (given: string | null | undefined, old: string | null | undefined) =>
    given === undefined ? (old ?? null) : given === null ? null : clean(given) || null;
  return {
    id: existing?.id ?? newId("var"),
    position,
    title: "",
    sku: text(row.sku, existing?.sku),
    barcode: text(row.barcode, existing?.barcode),
    optionValues,
    grams: row.grams ?? existing?.grams ?? 0,
    requiresShipping: row.requiresShipping ?? existing?.requiresShipping ?? true,
    taxable: row.taxable ?? existing?.taxable ?? true,
  };
}

function titled(variant: VariantState, product: ProductState): VariantState {
  return { ...variant, title: variant.optionValues.join(" / ") || product.title };
}

/** What the variants must be to one another, to the options and to other products. */
function checkVariants(
  product: ProductState,
  { options, variants }: ProductEdit,
  around: Surroundings,
  errors: FieldError[],
): void {
  const combinations = new Set<string>();
  const skus = new Set<string>();
  product.variants.forEach((variant, index) => {
    const path = `variants.${index}`;
    const key = keyOf(variant.optionValues);
    const whole =
      variant.optionValues.length === product.optionNames.length && !variant.optionValues.includes("");
    if (whole && combinations.has(key)) {
      errors.push({ path: `${path}.options`, message: "are those of another variant of the product" });
    }
    combinations.add(key);
    variant.optionValues.forEach((value, at) => {
      const allowed = options?.[at]?.values?.map(clean);
      if (value !== "" && allowed && !allowed.includes(value)) {
        const name = product.optionNames[at]!;
        errors.push({ path: `${path}.options.${name}`, message: "is none of the option's values" });
      }
    });
    if (variant.sku === null) return;
    const owner = around.skuOwners.get(variant.sku);
    if (skus.has(variant.sku) || (variants && owner !== undefined && owner !== product.id)) {
      errors.push({ path: `${path}.sku`, message: "is already used by another variant" });
    }
    skus.add(variant.sku);
  });
}

/** Pictures that live elsewhere; those of our own are arranged where media's news are kept. */
function imagesOf(before: ProductState, { images }: ProductEdit, errors: FieldError[]): Image[] {
  if (!images) return before.images;
  images.forEach((image, index) => {
    if ((image.assetId === undefined) === (image.src === undefined)) {
      errors.push({ path: `images.${index}`, message: "needs either assetId or src" });
    }
  });
  const elsewhere = images.flatMap(({ src, alt }) =>
    src === undefined ? [] : [{ src, alt: clean(alt ?? "") }],
  );
  return [...new Map(elsewhere.map(image => [image.src, image])).values()].slice(0, limits.images);
}

function pricesOf(
  variant: VariantState,
  { price, prices }: VariantEdit,
  around: Surroundings,
  path: string,
  errors: FieldError[],
): VariantPrice[] {
  const given = [
    ...(price ? [{ ...price, path: `${path}.price` }] : []),
    ...(prices ?? []).map((one, index) => ({ ...one, path: `${path}.prices.${index}` })),
  ];
  const seen = new Set<string>();
  return given.map(({ currency = around.currency, amountMinor, compareAtMinor = null, path: at }) => {
    if (seen.has(currency)) errors.push({ path: `${at}.currency`, message: "has a price already" });
    seen.add(currency);
    return { variantId: variant.id, currency, amountMinor, compareAtMinor };
  });
}

function keyOf(values: readonly string[]): string {
  return JSON.stringify(values);
}
