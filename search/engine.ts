/**
 * What a search engine is to us. Meilisearch and Postgres both answer {@link SearchEngine}; one contract suite
 * (engines/contract.test.ts) runs against both. Postgres searches `search.document` itself; an engine with an index of its
 * own is an {@link IndexedEngine} too and must be told of changes (indexer.ts).
 */
import type { SearchDocument, SearchItem } from "./document.ts";

export const engineNames = ["meilisearch", "postgres"] as const;
export type EngineName = (typeof engineNames)[number];

/** Besides relevance, the order when none is asked for. `newest` first, `-price` dearest first. */
export const searchSorts = ["newest", "title", "price", "-price"] as const;
export type SearchSort = (typeof searchSorts)[number];

/** `option` stands for all options of the hits, each a facet of its own: `option.Colour`. */
export const facetNames = ["category", "vendor", "tag", "inStock", "price", "option"] as const;
export type FacetName = (typeof facetNames)[number];

/** How an option's facet is called in answers. */
export const optionFacet = (name: string) => `option.${name}`;

export type SearchQuery = {
  /** Cleaned text, possibly empty: everything. */
  readonly q: string;
  /** Handle or id. */
  readonly category?: string | undefined;
  readonly vendor?: string | undefined;
  /** Bounds of the lowest price of the variants, minor units, inclusive. */
  readonly priceMin?: number | undefined;
  readonly priceMax?: number | undefined;
  readonly inStock?: boolean | undefined;
  /** Option → values, one of which a product must have, for each of the options. */
  readonly options?: Readonly<Record<string, readonly string[]>> | undefined;
  /** A product that is not looked for. */
  readonly exclude?: string | undefined;
  /** Any of the words is enough, in no order to rely on; without facets and descriptions. */
  readonly anyWord?: boolean | undefined;
  /** Give the text of descriptions too, for highlights. */
  readonly describe?: boolean | undefined;
  readonly sort?: SearchSort | undefined;
  readonly limit: number;
  readonly offset: number;
  readonly facets: readonly FacetName[];
};

/**
 * By facet, or `option.<name>`: value → products among all hits; for `price` its `min` and `max` instead (absent when no
 * hit has a price). A facet that is filtered by counts as if it were not: what else could be chosen there.
 */
export type Facets = Record<string, Record<string, number>>;

export type Found = {
  readonly items: SearchItem[];
  readonly total: number;
  readonly facets: Facets;
  /** Beside the items, when they were asked for. */
  readonly descriptions?: string[];
  /** The items as JSON, one by one, from an engine that wrote it already; `items` are read from it when asked for (hits.ts). */
  readonly texts?: readonly string[];
};

export interface SearchEngine {
  readonly name: EngineName;
  /** @throws IndexMissing, or whatever the engine fails with. */
  search(storeId: string, query: SearchQuery, signal?: AbortSignal): Promise<Found>;
}

/** What the engine shall hold of a product. */
export type Change = {
  readonly productId: string;
  /** Null removes it; absent where there is `json` alone. */
  readonly document?: SearchDocument | null;
  /** The same as JSON, where it was written already. */
  readonly json?: string;
  /** The engine keeps it beside the document, so that it can be asked what it holds. */
  readonly version: number;
  /** The engine has the rest: price, stock and popularity are enough. */
  readonly partial?: boolean;
};

/** What merchants said about how their shop is searched (settings.ts). */
export type StoreSettings = {
  /** Words of a group stand for one another. */
  readonly synonyms: readonly (readonly string[])[];
  readonly stopWords: readonly string[];
  /** ISO 639-1; empty: the engine guesses the language of each text. */
  readonly languages: readonly string[];
};

/** An index of the engine: a store's id, or {@link besideName} for one that is built beside it. */
export type IndexName = string;

export function besideName(storeId: string, buildId: string): IndexName {
  return `${storeId}/${buildId}`;
}

/** A task in the engine's queue and the products in it. Tasks of one index run in the order they were enqueued in. */
export type EnqueuedTask = { readonly task: number; readonly productIds: readonly string[] };

export type TaskOutcome =
  | { readonly type: "succeeded" }
  /** The engine read the task and will not have it: the input is at fault. */
  | { readonly type: "refused"; readonly error: string }
  /** The engine forgot the task, cancelled it, or failed for a reason of its own: send again. */
  | { readonly type: "lost"; readonly error: string };

export type TaskState = TaskOutcome | { readonly type: "pending" };

/** What the engine holds of a product. */
export type Held = { readonly productId: string; readonly version: number };

export interface IndexedEngine extends SearchEngine {
  /** Hash of the settings that this program wants for a store that has these of its own. */
  settingsHash(own: StoreSettings): string;
  /** Names the index as it is now; null when there is none. */
  identity(index: IndexName): Promise<string | null>;
  /** Enqueues the settings, with which the engine makes the index if there is none; gives their task. */
  applySettings(index: IndexName, own: StoreSettings): Promise<number>;
  /** Enqueues the removal of all documents. */
  clear(index: IndexName): Promise<void>;
  /** Enqueues changes. @throws EngineRefusal when the engine won't take them as a whole. */
  enqueue(index: IndexName, changes: readonly Change[]): Promise<EnqueuedTask[]>;
  taskState(task: number): Promise<TaskState>;
  /** Documents in the index, as of the tasks that have run. */
  count(index: IndexName): Promise<number>;
  /** A page of what the index holds, in an order of its own that stays the same while nothing changes. */
  held(index: IndexName, page: { offset: number; limit: number }): Promise<Held[]>;
  /** Checksums of what the index holds of these products (`checksum` in document.ts); the absent are absent. */
  checksums(index: IndexName, productIds: readonly string[]): Promise<Map<string, string>>;
  /** Enqueues that the two change names at one moment; both must be there. */
  swap(one: IndexName, other: IndexName): Promise<number>;
  /** Enqueues that the index goes, if it is there. */
  drop(index: IndexName): Promise<void>;
}

/** The store has no index in the engine: nothing was indexed yet, or the engine was emptied. Not an outage. */
export class IndexMissing extends Error {
  override name = "IndexMissing";
}

/** The engine answered that it won't take this input. */
export class EngineRefusal extends Error {
  override name = "EngineRefusal";
}
