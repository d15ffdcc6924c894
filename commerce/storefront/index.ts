/**
 * What shops see: products with their prices, stock and pictures in one document, for HTTP and for search. Owns no
 * tables; it asks catalog, pricing and inventory.
 *
 * Always holds: only active products are shown; prices are in the store's currency; reading a page takes the same number
 * of statements whatever its length; lists page by key, so that products that come or go between two pages neither
 * repeat nor hide others.
 */

export { productSorts } from "../catalog/index.ts";
export {
  type ImageVariant,
  type Price,
  type ProductDocument,
  type ProductImage,
  type ProductSummary,
  productSummary,
  type VariantDocument,
} from "./model.ts";
export {
  MAX_PAGE,
  type ProductPage,
  type ProductQuery,
  productDetail,
  productDocuments,
  productList,
} from "./service.ts";
