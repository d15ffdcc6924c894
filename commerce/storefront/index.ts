/**
 * What shops see: products with their prices, stock and pictures in one document, for HTTP and for search, and the read
 * model of lists. Owns `storefront.product_summary` and `listing` (kept by jobs of `catalog.summarise` and `catalog.restock`, rebuildable),
 * `popularity` and `counted_order` (units sold), and `build` (progress of rebuilds).
 *
 * Always holds: only active products are shown; prices are in the store's currency; a page takes the same number of
 * statements whatever its length, a list one, which is one range of one index; lists page by key, so that products that
 * come or go between two pages neither repeat nor hide others; a summary never goes back to an older state; a product is
 * in the lists of its categories, of all above them, and of the collections whose rule it fits or that picked it.
 */

export { type AdminProduct, adminProduct, adminProductList } from "./admin.ts";
export { type Kept, keptDetail, keptList } from "./kept.ts";
export {
  type ImageVariant,
  type Price,
  type ProductDocument,
  type ProductImage,
  type ProductSummary,
  productSummary,
  type VariantDocument,
} from "./model.ts";
export { mostPopular, type PopularProduct } from "./popular.store.ts";
export {
  countSales,
  forgetCountedOrders,
  isTooOld,
  popularityRank,
  rankPopularity,
  showPopularity,
} from "./popularity.ts";
export {
  type Build,
  ensureSummaries,
  latestBuilds,
  rebuildNow,
  requestRebuild,
  runRebuild,
} from "./rebuild.ts";
export { regroup } from "./regroup.ts";
export { restock } from "./restock.ts";
export { type PriceRange, type SearchSource, searchSources } from "./search-source.ts";
export {
  MAX_PAGE,
  type ProductPage,
  type ProductQuery,
  productDetail,
  productDocuments,
  productList,
} from "./service.ts";
export { type ProductSort, productSorts } from "./sorts.ts";
export { summarise } from "./summary.ts";
