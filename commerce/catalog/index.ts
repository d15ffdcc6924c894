/**
 * What the shop sells: products with options, variants, categories, tags and pictures. Owns the tables `catalog.product`,
 * `option`, `variant`, `category`, `product_category`, `product_image` (pictures elsewhere, named by product files) and
 * `product_media` (what media told us). Publishes `catalog.sellable(store, variants)` for carts and checkouts.
 *
 * Always holds: a handle and a SKU are unique per store; option values are unique per product and as many as its
 * options; a variant is never removed by an import, for carts and orders point at it; `product.version` rises with
 * every change of the product, its variants or pictures; an upsert that finds everything as it should be writes nothing.
 * Prices and stock live elsewhere; the storefront brings them together.
 */

export { sanitizeHtml } from "./html.ts";
export {
  type Category,
  limits,
  type ProductInput,
  type ProductStatus,
  productStatuses,
  type Refusal,
  slug,
  type VariantInput,
} from "./model.ts";
export {
  findActiveProduct,
  type Listed,
  type ListQuery,
  listActiveProducts,
  type ProductRecord,
  type ProductSort,
  productExists,
  productSorts,
  readProducts,
} from "./read.ts";
export { attachMedia, detachMedia, lockMedia, type UpsertResult, upsertProducts } from "./service.ts";
export type { Media } from "./store.read.ts";
