/** The variants of an edited product: which row is which variant, and what they may not be to one another. Pure. */
import type { FieldError } from "../../platform/errors.ts";
import { newId } from "../../platform/ids.ts";
import { clean } from "../../platform/text.ts";
import type { ProductEdit, Surroundings, VariantEdit, VariantPrice } from "./edit.model.ts";
import type { ProductState, VariantState } from "./model.ts";

/** A variant as it becomes, the row that made it, and the path of that row. */
export type Made = { variant: VariantState; edit: VariantEdit; path: string };

/** Pairs the rows of the edit with the variants that exist; what is wrong with a row goes to `errors`. */
export function variantsOf(
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
export function checkVariants(
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

/** The prices that a row sets. */
export function pricesOf(
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
