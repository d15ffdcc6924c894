export type ProductStatus = "draft" | "active" | "archived";
export const productStatuses: readonly ProductStatus[] = ["draft", "active", "archived"];

/** Longest values that the catalog takes, in characters (`description` after sanitising). */
export const limits = {
  handle: 255,
  title: 255,
  description: 65_535,
  vendor: 255,
  type: 255,
  tag: 255,
  tags: 250,
  sku: 255,
  barcode: 255,
  optionName: 255,
  optionValue: 255,
  options: 3,
  variants: 2_048,
  images: 250,
  imageSrc: 2_048,
  imageAlt: 512,
} as const;

export type Category = { handle: string; title: string };
export type Image = { src: string; alt: string };

/** A field left out keeps what the product has, or takes its default in a new product. */
export type VariantInput = {
  /** Given back with the variant's id or its refusal, so that the caller can name the row. */
  ref: number;
  /** In the order of the options; empty for the only variant of a product without options. */
  optionValues: string[];
  sku?: string | null;
  barcode?: string | null;
  grams?: number;
  requiresShipping?: boolean;
  taxable?: boolean;
};

export type ProductInput = {
  ref: number;
  handle: string;
  /** Left out: the variants and images are added to a product that exists; it must. */
  title?: string;
  /** HTML, sanitised by the caller. */
  description?: string;
  vendor?: string;
  type?: string;
  status?: ProductStatus;
  tags?: string[];
  categories?: Category[];
  optionNames?: string[];
  variants: VariantInput[];
  /** With a title they replace the product's images, without one they are added. */
  images?: Image[];
};

export type VariantState = {
  id: string;
  position: number;
  title: string;
  sku: string | null;
  barcode: string | null;
  optionValues: string[];
  grams: number;
  requiresShipping: boolean;
  taxable: boolean;
};

/** A product as it stands, without what only the database sets. */
export type ProductState = {
  id: string;
  handle: string;
  title: string;
  description: string;
  vendor: string;
  type: string;
  status: ProductStatus;
  tags: string[];
  /** Handles of its categories, sorted. */
  categories: string[];
  optionNames: string[];
  variants: VariantState[];
  images: Image[];
};

/** Why a row was left out; the rest of its product is kept. */
export type Refusal = {
  ref: number;
  field: "title" | "sku" | "options" | "variants" | "images";
  message: string;
};

/** Words joined by hyphens, for handles made of titles: `Home & Garden` → `home-garden`. */
export function slug(text: string): string {
  const words = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return words.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
}

/** Null for a handle that a person may choose; else what is wrong with it. */
export function handleFault(handle: string): string | null {
  if (handle.length > limits.handle) return `has more than ${limits.handle} characters`;
  return handle !== "" && slug(handle) === handle
    ? null
    : "takes lower-case letters, digits and single hyphens";
}

/**
 * A handle made of a title that nobody uses: `mug`, else `mug-2`, `mug-3` … `taken` gives the handles in use that are
 * the base or begin with it and a hyphen; the caller holds a lock under which they stay so.
 */
export async function freeHandle(
  title: string,
  fallback: string,
  taken: (base: string) => Promise<string[]>,
): Promise<string> {
  const base = slug(title).slice(0, 200).replace(/-+$/, "") || fallback;
  const used = new Set(await taken(base));
  if (!used.has(base)) return base;
  for (let n = 2; ; n++) if (!used.has(`${base}-${n}`)) return `${base}-${n}`;
}
