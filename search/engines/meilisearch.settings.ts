/**
 * The settings of a product index, as code; what merchants say of their own shop is added (`settingsOf`). A change of
 * either is applied to the store's index before the next document is sent to it (index-state.ts), for their hash is
 * remembered.
 */
import type { LocalizedAttribute, Settings } from "meilisearch";
import type { StoreSettings } from "../engine.ts";

/** Offset and limit of a query end here (query.ts): the engine finds no more than it may show. */
export const MAX_WINDOW = 1_100;

export const settings: Settings = {
  // In the order of their weight.
  searchableAttributes: [
    "title",
    "vendor",
    "tags",
    "categories",
    "type",
    "collections",
    "skus",
    "barcodes",
    "optionValues",
    "description",
  ],
  filterableAttributes: [
    "id",
    "category",
    "categoryIds",
    "categoryLevels",
    "collection",
    "vendor",
    "type",
    "tags",
    "price",
    "prices",
    "inStock",
    "options",
  ],
  sortableAttributes: ["price", "title", "createdAt", "popularity"],
  displayedAttributes: ["id", "v", "item", "description"],
  // "sort" before the rest: an order that a shopper asked for is kept strictly; without one the rule does nothing.
  // What can be bought, and what sells, comes first among hits that fit equally well: a hit in a better place, or the
  // very words of the query, stay before them.
  rankingRules: [
    "sort",
    "words",
    "typo",
    "proximity",
    "attribute",
    "exactness",
    "inStock:desc",
    "popularity:desc",
  ],
  typoTolerance: {
    disableOnAttributes: ["skus", "barcodes"],
    // 128 GB is not a typing error of 256 GB.
    disableOnNumbers: true,
  },
  faceting: { maxValuesPerFacet: 100 },
  pagination: { maxTotalHits: MAX_WINDOW },
};

export function settingsOf({ synonyms, stopWords, languages }: StoreSettings): Settings {
  const locales = [...languages] as LocalizedAttribute["locales"];
  return {
    ...settings,
    synonyms: synonymsOf(synonyms),
    stopWords: [...stopWords],
    localizedAttributes: locales.length > 0 ? [{ attributePatterns: ["*"], locales }] : null,
  };
}

/** Each word of a group and the others; a word may be in several groups. */
function synonymsOf(groups: StoreSettings["synonyms"]): Record<string, string[]> {
  const all = new Map<string, Set<string>>();
  for (const group of groups) {
    for (const word of group) {
      const others = all.get(word) ?? new Set();
      for (const other of group) if (other !== word) others.add(other);
      all.set(word, others);
    }
  }
  return Object.fromEntries([...all].map(([word, others]) => [word, [...others]]));
}

export function settingsHash(own: StoreSettings): string {
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(settingsOf(own))).digest("hex");
}
