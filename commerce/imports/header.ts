/** The columns of Shopify's product CSV that are read; others are ignored. */
import { BrokenFileError } from "./model.ts";

const columns = {
  handle: "Handle",
  title: "Title",
  body: "Body (HTML)",
  vendor: "Vendor",
  category: "Product Category",
  type: "Type",
  tags: "Tags",
  published: "Published",
  option1Name: "Option1 Name",
  option1Value: "Option1 Value",
  option2Name: "Option2 Name",
  option2Value: "Option2 Value",
  option3Name: "Option3 Name",
  option3Value: "Option3 Value",
  sku: "Variant SKU",
  grams: "Variant Grams",
  quantity: "Variant Inventory Qty",
  policy: "Variant Inventory Policy",
  price: "Variant Price",
  compareAt: "Variant Compare At Price",
  requiresShipping: "Variant Requires Shipping",
  taxable: "Variant Taxable",
  barcode: "Variant Barcode",
  imageSrc: "Image Src",
  imagePosition: "Image Position",
  imageAlt: "Image Alt Text",
  status: "Status",
} as const;

export type Column = keyof typeof columns;

const required: readonly Column[] = ["handle", "title", "price"];

/** The name of a column as files have it. */
export function nameOf(column: Column): string {
  return columns[column];
}

export type Header = {
  /** Cells that every row must have. */
  readonly width: number;
  /** Where each known column stands; absent ones are missing in the file. */
  readonly at: ReadonlyMap<Column, number>;
};

/** @throws BrokenFileError naming the columns that are missing or double. */
export function parseHeader(cells: readonly string[]): Header {
  const names = cells.map(cell => cell.trim().toLowerCase());
  const at = new Map<Column, number>();
  for (const [column, name] of Object.entries(columns) as [Column, string][]) {
    const index = names.indexOf(name.toLowerCase());
    if (index === -1) continue;
    if (names.lastIndexOf(name.toLowerCase()) !== index) fail([name], "is there twice");
    at.set(column, index);
  }
  const missing = required.filter(column => !at.has(column)).map(nameOf);
  if (missing.length > 0) fail(missing, "is missing");
  return { width: cells.length, at };
}

function fail(names: string[], what: string): never {
  const detail =
    `The first row must name the columns of a Shopify product CSV, separated by commas: ` +
    `${names.map(name => `"${name}"`).join(", ")} ${what}.`;
  throw new BrokenFileError(
    detail,
    names.map(column => ({ row: 1, column, message: what })),
  );
}
