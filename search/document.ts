/** From a product as shops see it to what engines index. Pure. */
import {
  type PriceRange,
  type ProductSummary,
  popularityRank,
  productSummary,
  type SearchSource,
} from "../commerce/storefront/index.ts";
import { timeOfId } from "../platform/ids.ts";

/** A hit: the summary that product lists show, and whether anything of it can be bought now. */
export type SearchItem = ProductSummary & { inStock: boolean };

/** What changes often and is not searched: an engine that has the rest is sent this alone. */
export type Volatile = {
  /** Lowest and highest of the variants' prices, minor units of the store's currency. */
  price: number | null;
  priceMax: number | null;
  /** By currency, all that the store sells in. */
  prices: Record<string, PriceRange>;
  inStock: boolean;
  /** Units, over all variants. */
  available: number;
  /** Rank of the units sold (storefront's `popularityRank`). */
  popularity: number;
  /** What a hit shows; not searched. */
  item: SearchItem;
};

/** Field names are the engine's attributes; a change here is a change of its settings (engines/meilisearch.settings.ts). */
export type SearchDocument = Volatile & {
  id: string;
  title: string;
  vendor: string;
  type: string;
  tags: string[];
  /** Titles, for the searcher: its categories and all above them. */
  categories: string[];
  /** The same as handles and ids, for facets and filters. */
  category: string[];
  categoryIds: string[];
  /** The tree as menus want it: `lvl1: ["Home > Lamps"]` (titles, from the root down). */
  categoryLevels: Record<string, string[]>;
  /** Titles of collections, for the searcher, and handles, for filters. */
  collections: string[];
  collection: string[];
  description: string;
  skus: string[];
  barcodes: string[];
  /** Option name → values, for filters. */
  options: Record<string, string[]>;
  optionValues: string[];
  /** Milliseconds since 1970. */
  createdAt: number;
};

/**
 * Rises when documents get another shape, or the fallback's columns another content: keepers then have every store's index made anew
 * (reindex.ts), while the one that is there goes on answering.
 */
export const SHAPE = 2;

/** What is longer adds size but no hits worth having. */
const MAX_DESCRIPTION = 10_000;

export function searchDocument(product: SearchSource): SearchDocument {
  const nodes = [...new Map(product.branches.flat().map(node => [node.id, node])).values()];
  return {
    id: product.id,
    title: product.title,
    vendor: product.vendor,
    type: product.type,
    tags: product.tags,
    categories: nodes.map(node => node.title),
    category: nodes.map(node => node.handle),
    categoryIds: nodes.map(node => node.id),
    categoryLevels: levelsOf(product.branches),
    collections: product.collections.map(one => one.title),
    collection: product.collections.map(one => one.handle),
    description: plainText(product.description).slice(0, MAX_DESCRIPTION),
    skus: product.variants.flatMap(variant => variant.sku ?? []),
    barcodes: product.variants.flatMap(variant => variant.barcode ?? []),
    options: Object.fromEntries(product.options.map(({ name, values }) => [name, values])),
    optionValues: [...new Set(product.options.flatMap(({ values }) => values))],
    createdAt: timeOfId(product.id),
    ...volatileOf(product),
  };
}

function volatileOf(product: SearchSource): Volatile {
  const inStock = product.variants.some(variant => variant.available > 0 || variant.backorder);
  const item = { ...productSummary(product), inStock };
  const range = item.price ? product.priceRanges[item.price.currency] : undefined;
  return {
    price: item.price?.amountMinor ?? null,
    priceMax: range?.max ?? null,
    prices: product.priceRanges,
    inStock,
    available: item.available,
    popularity: popularityRank(product.unitsSold),
    item,
  };
}

export function volatilePart(document: SearchDocument): Volatile {
  const { price, priceMax, prices, inStock, available, popularity, item } = document;
  return { price, priceMax, prices, inStock, available, popularity, item };
}

/** The rest: what a partial update leaves as it is. */
export function textPart(document: SearchDocument): Omit<SearchDocument, keyof Volatile> {
  const {
    price: _p,
    priceMax: _m,
    prices: _r,
    inStock: _s,
    available: _a,
    popularity: _u,
    item: _i,
    ...text
  } = document;
  return text;
}

/** The same for the same content, whatever the order of its fields. */
export function checksum(document: object): string {
  return new Bun.CryptoHasher("sha256").update(canonical(document)).digest("base64url");
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, one) =>
    one !== null && typeof one === "object" && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}

function levelsOf(branches: SearchSource["branches"]): Record<string, string[]> {
  const levels: Record<string, Set<string>> = {};
  for (const branch of branches) {
    for (let depth = 0; depth < branch.length; depth++) {
      const way = branch.slice(0, depth + 1).map(node => node.title);
      levels[`lvl${depth}`] = (levels[`lvl${depth}`] ?? new Set()).add(way.join(" > "));
    }
  }
  return Object.fromEntries(Object.entries(levels).map(([level, ways]) => [level, [...ways]]));
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
