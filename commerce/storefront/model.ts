/**
 * The documents that shops and search read: the Product of the public surface, and its summary for lists. Pure: made of
 * what catalog, pricing and inventory know.
 */
import type { ProductRecord } from "../catalog/index.ts";
import type { Facts, Membership } from "../collections/index.ts";
import type { CurrentPrice } from "../pricing/index.ts";

export type ImageVariant = {
  /** Of the variant plan (`300`, …); `original` for a picture that lives elsewhere. */
  name: string;
  format: string | null;
  width: number | null;
  height: number | null;
  bytes: number | null;
  url: string;
};

/** A picture that lives elsewhere (named by a product file) has no asset, no placeholder and one variant. */
export type ProductImage = {
  assetId: string | null;
  alt: string;
  placeholder: string | null;
  variants: ImageVariant[];
};

export type Price = { amountMinor: number; currency: string; compareAtMinor?: number; source: string };

export type VariantDocument = {
  id: string;
  sku: string | null;
  title: string;
  options: Record<string, string>;
  barcode: string | null;
  /** Null: has no price in this currency and can't be bought. */
  price: Price | null;
  /** Units that can be sold now, over all locations. */
  available: number;
  /** Sells on when `available` is used up. */
  backorder: boolean;
};

export type ProductDocument = {
  id: string;
  handle: string;
  title: string;
  description: string;
  vendor: string;
  type: string;
  status: string;
  categories: { id: string; handle: string; title: string }[];
  collections: { id: string; handle: string; title: string }[];
  tags: string[];
  options: { name: string; values: string[] }[];
  images: ProductImage[];
  variants: VariantDocument[];
  updatedAt: string;
};

/** A product in a list: no description, its first picture only, and the lowest of its variants' prices. */
export type ProductSummary = Omit<ProductDocument, "description" | "options"> & {
  price: Price | null;
  available: number;
};

export type Stock = { available: number; backorder: boolean };

export type Sources = {
  currency: string;
  prices: ReadonlyMap<string, CurrentPrice>;
  stock: ReadonlyMap<string, Stock>;
  /** Product id → the collections that it is in. */
  collections: ReadonlyMap<string, readonly Membership[]>;
};

export function productDocument(product: ProductRecord, sources: Sources): ProductDocument {
  return {
    id: product.id,
    handle: product.handle,
    title: product.title,
    description: product.description,
    vendor: product.vendor,
    type: product.type,
    status: product.status,
    categories: product.categories,
    collections: (sources.collections.get(product.id) ?? []).map(({ id, handle, title }) => ({
      id,
      handle,
      title,
    })),
    tags: product.tags,
    options: product.optionNames.map((name, index) => ({ name, values: valuesOf(product, index) })),
    images: imagesOf(product),
    variants: product.variants.map(variant => variantDocument(product, variant, sources)),
    updatedAt: product.updatedAt.toISOString(),
  };
}

export function productSummary(document: ProductDocument): ProductSummary {
  const { description: _d, options: _o, ...rest } = document;
  const prices = document.variants.flatMap(variant => variant.price ?? []);
  const lowest = prices.reduce<Price | null>(
    (least, price) => (least && least.amountMinor <= price.amountMinor ? least : price),
    null,
  );
  const available = document.variants.reduce((sum, variant) => sum + variant.available, 0);
  return { ...rest, images: document.images.slice(0, 1), price: lowest, available };
}

/** What rules of collections look at. */
export function factsOf(product: ProductRecord, prices: ReadonlyMap<string, CurrentPrice>): Facts {
  const { tags, vendor, type, categoryIds } = product;
  const amounts = product.variants.flatMap(variant => prices.get(variant.id)?.amountMinor ?? []);
  return { tags, vendor, type, categoryIds, priceMinor: amounts.length > 0 ? Math.min(...amounts) : null };
}

/** The values that variants use, in the order of the variants. */
function valuesOf(product: ProductRecord, option: number): string[] {
  return [...new Set(product.variants.flatMap(variant => variant.optionValues[option] ?? []))];
}

function variantDocument(
  product: ProductRecord,
  variant: ProductRecord["variants"][number],
  { currency, prices, stock }: Sources,
): VariantDocument {
  const { available, backorder } = stock.get(variant.id) ?? { available: 0, backorder: false };
  const options = product.optionNames.map((name, index) => [name, variant.optionValues[index] ?? ""]);
  return {
    id: variant.id,
    sku: variant.sku,
    title: variant.title,
    options: Object.fromEntries(options),
    barcode: variant.barcode,
    price: priceOf(prices.get(variant.id), currency),
    available,
    backorder,
  };
}

function priceOf(current: CurrentPrice | undefined, currency: string): Price | null {
  if (!current) return null;
  const { amountMinor, compareAtMinor, source } = current;
  return { amountMinor, currency, ...(compareAtMinor === null ? {} : { compareAtMinor }), source };
}

/** Media of our own where there are any; else the pictures that the product's file named. */
function imagesOf(product: ProductRecord): ProductImage[] {
  if (product.media.length > 0) return product.media as ProductImage[];
  return product.images.map(({ src, alt }) => ({
    assetId: null,
    alt: alt || product.title,
    placeholder: null,
    variants: [{ name: "original", format: formatOf(src), width: null, height: null, bytes: null, url: src }],
  }));
}

function formatOf(url: string): string | null {
  const extension = /\.(avif|webp|jpe?g|png|gif)(?:[?#]|$)/i.exec(url)?.[1]?.toLowerCase();
  return extension === "jpg" ? "jpeg" : (extension ?? null);
}
