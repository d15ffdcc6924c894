/**
 * What a product becomes when an admin edits it: pure. All faults are collected, each with the path of its field, so that
 * a form can show them at once.
 *
 * `variants` is the whole list: those of it that carry an id, or the option values of a variant that exists, change that
 * variant; the others are new; a variant that is not in the list goes. Without `variants` they stay as they are.
 */
import type { FieldError } from "../../platform/errors.ts";
import { clean } from "../../platform/text.ts";
import type { Edited, ProductEdit, Surroundings } from "./edit.model.ts";
import { checkVariants, pricesOf, variantsOf } from "./edit.variants.ts";
import { sanitizeHtml } from "./html.ts";
import { type Image, limits, type ProductState } from "./model.ts";

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
