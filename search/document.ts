/** From a product as shops see it to what engines index. Pure. */
import { type ProductDocument, type ProductSummary, productSummary } from "../commerce/storefront/index.ts";
import { timeOfId } from "../platform/ids.ts";

/** A hit: the summary that product lists show, and whether anything of it can be bought now. */
export type SearchItem = ProductSummary & { inStock: boolean };

/** Field names are the engine's attributes; a change here is a change of its settings (engines/meilisearch.settings.ts). */
export type SearchDocument = {
  id: string;
  title: string;
  vendor: string;
  tags: string[];
  /** Titles, for the searcher. */
  categories: string[];
  /** Handles, for facets and filters. */
  category: string[];
  categoryIds: string[];
  description: string;
  skus: string[];
  barcodes: string[];
  /** Option name → values, for filters. */
  options: Record<string, string[]>;
  optionValues: string[];
  /** Lowest of the variants' prices, minor units of the store's currency. */
  price: number | null;
  inStock: boolean;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** What a hit shows; not searched. */
  item: SearchItem;
};

/** What is longer adds size but no hits worth having. */
const MAX_DESCRIPTION = 10_000;

export function searchDocument(product: ProductDocument): SearchDocument {
  const inStock = product.variants.some(variant => variant.available > 0 || variant.backorder);
  const item = { ...productSummary(product), inStock };
  return {
    id: product.id,
    title: product.title,
    vendor: product.vendor,
    tags: product.tags,
    categories: product.categories.map(category => category.title),
    category: product.categories.map(category => category.handle),
    categoryIds: product.categories.map(category => category.id),
    description: plainText(product.description).slice(0, MAX_DESCRIPTION),
    skus: product.variants.flatMap(variant => variant.sku ?? []),
    barcodes: product.variants.flatMap(variant => variant.barcode ?? []),
    options: Object.fromEntries(product.options.map(({ name, values }) => [name, values])),
    optionValues: [...new Set(product.options.flatMap(({ values }) => values))],
    price: item.price?.amountMinor ?? null,
    inStock,
    createdAt: timeOfId(product.id),
    item,
  };
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

/** The text of the catalog's sanitised HTML. */
export function plainText(html: string): string {
  return html
    .replace(/<[^>]*>/g, " ")
    .replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/gi, (whole, decimal, hex, name) => {
      if (name) return entities[name.toLowerCase()] ?? whole;
      const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
      return code > 31 && code <= 0x10_ffff && (code < 0xd800 || code > 0xdfff)
        ? String.fromCodePoint(code)
        : " ";
    })
    .replace(/\s+/g, " ")
    .trim();
}
