/**
 * The settings of a product index, as code. A change here is applied to every store's index before the next document is
 * sent to it (index-state.ts), for the hash of this object is remembered.
 */
import type { Settings } from "meilisearch";

/** Offset and limit of a query end here (query.ts): the engine finds no more than it may show. */
export const MAX_WINDOW = 1_100;

export const settings: Settings = {
  // In the order of their weight.
  searchableAttributes: [
    "title",
    "vendor",
    "tags",
    "categories",
    "skus",
    "barcodes",
    "optionValues",
    "description",
  ],
  filterableAttributes: ["id", "category", "categoryIds", "vendor", "tags", "price", "inStock", "options"],
  sortableAttributes: ["price", "title", "createdAt"],
  displayedAttributes: ["id", "item", "description"],
  // "sort" before the rest: an order that a shopper asked for is kept strictly; without one the rule does nothing.
  rankingRules: ["sort", "words", "typo", "proximity", "attribute", "exactness"],
  typoTolerance: {
    disableOnAttributes: ["skus", "barcodes"],
    // 128 GB is not a typing error of 256 GB.
    disableOnNumbers: true,
  },
  faceting: { maxValuesPerFacet: 100 },
  pagination: { maxTotalHits: MAX_WINDOW },
};

export const settingsHash = new Bun.CryptoHasher("sha256").update(JSON.stringify(settings)).digest("hex");
