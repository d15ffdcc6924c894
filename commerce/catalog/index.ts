/**
 * What the shop sells: products with options, variants, categories, tags and pictures. Owns the tables `catalog.product`,
 * `option`, `variant`, `category`, `product_category`, `product_image` (pictures elsewhere, named by product files) and
 * `product_media` (what media told us). Publishes `catalog.sellable(store, variants)` for carts and checkouts and
 * `catalog.find_category(store, idOrHandle)`.
 *
 * Always holds: a handle and a SKU are unique per store; option values are unique per product and as many as its
 * options; a variant is never removed by an import, for carts and orders point at it; `product.version` rises with
 * every change of the product, its variants or pictures; an upsert that finds everything as it should be writes nothing.
 * Admins edit whole products and the category tree by version (`If-Match`), with an entry in the audit log each.
 * Categories have the path from their root; a move takes the whole branch along and can't make a circle.
 * Prices and stock live elsewhere; the storefront brings them together.
 */

export {
  type AdminQuery,
  basePrices,
  changeProduct,
  createProduct,
  listProductIds,
  removeProduct,
} from "./admin.ts";
export {
  type CategoryInput,
  type CategoryNode,
  changeCategory,
  createCategory,
  findCategories,
  getCategory,
  listCategories,
  presentProducts,
  removeCategory,
} from "./categories.ts";
export type { ImageEdit, PriceEdit, ProductEdit, VariantEdit } from "./edit.model.ts";
export { sanitizeHtml } from "./html.ts";
export {
  type Category,
  freeHandle,
  handleFault,
  limits,
  type ProductInput,
  type ProductStatus,
  productStatuses,
  type Refusal,
  slug,
  type VariantInput,
} from "./model.ts";
export {
  categoryPaths,
  countProducts,
  findActiveProduct,
  type ProductRecord,
  productExists,
  productIdsAfter,
  readProducts,
} from "./read.ts";
export { attachMedia, detachMedia, lockMedia, type UpsertResult, upsertProducts } from "./service.ts";
export { lockGroups } from "./store.groups.ts";
export type { Media } from "./store.read.ts";
