/** An edit of a product as the back office sends it, and what comes of it. */
import type { FieldError } from "../../platform/errors.ts";
import type { ProductState, ProductStatus } from "./model.ts";

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
