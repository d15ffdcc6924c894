/**
 * Search over what shops show: an index per store in Meilisearch, and the same in Postgres for when there is none or it
 * does not answer. Owns `search.document` (each product's content, its versions, its tombstone), `search.index`, `search.settings`
 * (what merchants say), and `search.build` and `built` (indexes that are made anew).
 *
 * Always holds: an index has documents of one store only, and no parameter reaches another; an older state of a product
 * never overtakes a newer one or its removal; a job of `search.index` is done when the engine's task succeeded; both
 * engines answer in one shape, which says who answered. Prices and stock in hits are those of the last indexing.
 */

export {
  ensureSearchPartitions,
  type FrequentQuery,
  mostSearched,
} from "./analytics.store.ts";
export { type Check, type CheckDeps, checkIndex } from "./check.ts";
export type { SearchItem } from "./document.ts";
export {
  type EngineName,
  engineNames,
  type FacetName,
  type Facets,
  facetNames,
  type IndexedEngine,
  type SearchEngine,
  type SearchSort,
  type StoreSettings,
  searchSorts,
} from "./engine.ts";
export { openMeilisearch } from "./engines/meilisearch.ts";
export {
  type IndexerDeps,
  type IndexOptions,
  type IndexOutcome,
  indexProducts,
  restockProducts,
} from "./indexer.ts";
export { limits, type SearchParams } from "./params.ts";
export {
  type Build as Reindex,
  ensureIndexes,
  latestReindexes,
  type ReindexDeps,
  type ReindexOutcome,
  requestReindex,
  runReindex,
} from "./reindex.ts";
export { type ReportParams, type SearchReport, searchReport } from "./report.ts";
export {
  applySearchSettings,
  saveSearchSettings,
  searchLanguages,
  searchSettings,
  settingsLimits,
} from "./settings.ts";
export {
  createSearch,
  createShopSearch,
  type Hit,
  type Search,
  type SearchAnswer,
  type ShopSearch,
} from "./shop-search.ts";
export { learnWords } from "./spelling.ts";
