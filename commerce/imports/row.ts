/**
 * One row of a product file. The first row of a product has a title and its first variant; the rows after it, with the
 * same handle and no title, bring further variants, further pictures, or both.
 */
import {
  type Category,
  limits,
  type ProductInput,
  productStatuses,
  sanitizeHtml,
  slug,
  type VariantInput,
} from "../catalog/index.ts";
import { minorDigits, parseMinor } from "../pricing/index.ts";
import { Cells } from "./cells.ts";
import type { Column, Header } from "./header.ts";
import type { RowError } from "./model.ts";

export type ProductFields = Omit<ProductInput, "ref" | "handle" | "variants" | "images">;

export type VariantRow = {
  /** Up to three values; which of them count, the product's options decide. */
  values: [string, string, string];
  fields: Omit<VariantInput, "ref" | "optionValues">;
  priceMinor: number;
  compareAtMinor: number | null;
  /** Undefined: the file says nothing of its stock. */
  onHand: number | undefined;
  /** Whether it may be sold without stock (policy `continue`); undefined: the file doesn't say. */
  backorder: boolean | undefined;
};

export type ImageRow = { src: string; alt: string; position: number };

/** A part is null when the row has none, or when it is bad and `errors` says why. */
export type Row = {
  row: number;
  handle: string;
  /** Set when the row has a title. */
  product: ProductFields | null;
  /** The row has a title, but the product can't be made from it. */
  badProduct: boolean;
  variant: VariantRow | null;
  image: ImageRow | null;
  errors: RowError[];
};

const MAX_GRAMS = 1_000_000_000;
const MAX_STOCK = 1_000_000_000;

/** Null for a blank row. */
export function readRow(row: number, cells: readonly string[], header: Header, currency: string): Row | null {
  if (cells.every(cell => cell.trim() === "")) return null;
  const read = new Cells(row, header, cells);
  const empty = { row, handle: "", product: null, badProduct: false, variant: null, image: null };
  if (cells.length !== header.width) {
    read.fail("handle", `the row has ${cells.length} cells, the header ${header.width}`);
    return { ...empty, errors: read.errors };
  }
  const handle = readHandle(read);
  if (handle === null) return { ...empty, errors: read.errors };
  const titled = read.has("title");
  const product = titled ? good(read, () => readProduct(read)) : null;
  const hasVariant = titled || variantColumns.some(column => read.has(column));
  const variant = hasVariant ? good(read, () => readVariant(read, currency)) : null;
  const image = read.has("imageSrc") ? good(read, () => readImage(read)) : null;
  if (!hasVariant && !read.has("imageSrc"))
    read.fail("title", "the row has neither a title, a variant nor an image");
  return { row, handle, product, badProduct: titled && !product, variant, image, errors: read.errors };
}

const variantColumns: readonly Column[] = ["option1Value", "sku", "price", "barcode"];

/** The part, or null when reading it found errors. */
function good<T>(read: Cells, part: () => T): T | null {
  const before = read.errors.length;
  const value = part();
  return read.errors.length === before ? value : null;
}

function readHandle(read: Cells): string | null {
  const handle = read.line("handle", limits.handle).toLowerCase();
  if (handle === "") read.fail("handle", "is missing");
  else if (!/^[\p{L}\p{M}\p{N}][\p{L}\p{M}\p{N}_-]*$/u.test(handle)) {
    read.fail("handle", "must consist of letters, digits and hyphens");
  }
  return read.errors.length === 0 ? handle : null;
}

function readProduct(read: Cells): ProductFields {
  const description = read.inFile("body", () => sanitizeHtml(read.raw("body")));
  if (description && description.length > limits.description) {
    read.fail("body", `is longer than ${limits.description} characters`);
  }
  const status = read.choice("status", productStatuses) ?? "active";
  const published = read.flag("published", true);
  return {
    title: read.line("title", limits.title),
    ...defined({
      description,
      vendor: read.inFile("vendor", () => read.line("vendor", limits.vendor)),
      type: read.inFile("type", () => read.line("type", limits.type)),
      tags: read.inFile("tags", () => readTags(read)),
      categories:
        read.inFile("category", () => readCategory(read)) ?? read.inFile("type", () => readCategory(read)),
      optionNames: read.inFile("option1Name", () => readOptionNames(read)),
    }),
    // A product that is not published is no product of the shop yet.
    status: status === "active" && !published ? "draft" : status,
  };
}

function readTags(read: Cells): string[] {
  const tags = [
    ...new Set(
      read
        .raw("tags")
        .split(",")
        .map(tag => tag.trim().replace(/\s+/g, " ")),
    ),
  ].filter(Boolean);
  if (tags.length > limits.tags) read.fail("tags", `are more than ${limits.tags}`);
  if (tags.some(tag => tag.length > limits.tag))
    read.fail("tags", `one is longer than ${limits.tag} characters`);
  return tags;
}

/**
 * The last step of a path such as `Apparel > Shoes`; the whole path makes the handle. Titled by `Type` where that is the
 * same word written for people. Without a category the type is one.
 */
function readCategory(read: Cells): Category[] {
  const type = read.raw("type").replace(/\s+/g, " ");
  const path = read.line("category", limits.title) || type;
  const handle = slug(path);
  if (handle === "") return [];
  const last = path.split(">").at(-1)!.trim();
  return [{ handle, title: slug(type) === handle ? type : last || path }];
}

/** `Title` with the value `Default Title` is how such files say that a product has no options. */
function readOptionNames(read: Cells): string[] {
  const names = (["option1Name", "option2Name", "option3Name"] as const).map(column =>
    read.line(column, limits.optionName),
  );
  if (names[0] === "Title" && !names[1] && /^(Default Title)?$/.test(read.raw("option1Value"))) return [];
  const count = names.findLastIndex(name => name !== "") + 1;
  const used = names.slice(0, count);
  if (used.includes("")) read.fail("option1Name", "option names must not leave gaps");
  if (new Set(used.map(name => name.toLowerCase())).size < count) {
    read.fail("option1Name", "option names must differ");
  }
  return used;
}

function readVariant(read: Cells, currency: string): VariantRow {
  const values = (["option1Value", "option2Value", "option3Value"] as const).map(column =>
    read.line(column, limits.optionValue),
  );
  const policy = read.choice("policy", ["deny", "continue"]);
  return {
    values: values as VariantRow["values"],
    fields: defined({
      sku: read.inFile("sku", () => read.line("sku", limits.sku) || null),
      barcode: read.inFile("barcode", () => read.line("barcode", limits.barcode) || null),
      grams: read.inFile("grams", () => read.count("grams", MAX_GRAMS) ?? 0),
      requiresShipping: read.inFile("requiresShipping", () => read.flag("requiresShipping", true)),
      taxable: read.inFile("taxable", () => read.flag("taxable", true)),
    }),
    priceMinor: readPrice(read, "price", currency) ?? missingPrice(read),
    compareAtMinor: readPrice(read, "compareAt", currency),
    onHand: read.count("quantity", MAX_STOCK),
    backorder: policy === undefined ? undefined : policy === "continue",
  };
}

function readPrice(read: Cells, column: Column, currency: string): number | null {
  const value = read.raw(column);
  if (value === "") return null;
  const minor = parseMinor(value, currency);
  if (minor === null) {
    const places = minorDigits(currency);
    const example = places === 0 ? "1200" : (9.99).toFixed(places);
    read.fail(column, `must be a decimal such as ${example}, with at most ${places} places in ${currency}`);
  }
  return minor;
}

function missingPrice(read: Cells): number {
  if (!read.has("price")) read.fail("price", "is missing");
  return 0;
}

function readImage(read: Cells): ImageRow {
  const src = read.line("imageSrc", limits.imageSrc);
  const protocol = URL.parse(src)?.protocol;
  if (protocol !== "https:" && protocol !== "http:") read.fail("imageSrc", "must be an http(s) address");
  const position = read.count("imagePosition", 1_000_000) ?? read.row;
  return { src, alt: read.line("imageAlt", limits.imageAlt), position };
}

/** Without the members that are undefined. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as never;
}
