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

export const facetNames = ["category", "vendor", "tag", "inStock", "price"] as const;
export type FacetName = (typeof facetNames)[number];

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
  readonly sort?: SearchSort | undefined;
  readonly limit: number;
  readonly offset: number;
  readonly facets: readonly FacetName[];
};

/** Value → products among all hits; for `price` its `min` and `max` instead (absent when no hit has a price). */
export type Facets = Partial<Record<FacetName, Record<string, number>>>;

export type Found = { items: SearchItem[]; total: number; facets: Facets };

export interface SearchEngine {
  readonly name: EngineName;
  /** @throws IndexMissing, or whatever the engine fails with. */
  search(storeId: string, query: SearchQuery, signal?: AbortSignal): Promise<Found>;
}

/** What the engine shall hold of a product; a null document removes it. */
export type Change = { readonly productId: string; readonly document: SearchDocument | null };

/** A task in the engine's queue and the products in it. Tasks of one index run in the order they were enqueued in. */
export type EnqueuedTask = { readonly task: number; readonly productIds: readonly string[] };

export type TaskOutcome =
  | { readonly type: "succeeded" }
  /** The engine read the task and will not have it: the input is at fault. */
  | { readonly type: "refused"; readonly error: string }
  /** The engine forgot the task, cancelled it, or failed for a reason of its own: send again. */
  | { readonly type: "lost"; readonly error: string };

export type TaskState = TaskOutcome | { readonly type: "pending" };

export interface IndexedEngine extends SearchEngine {
  /** Hash of the settings that this program wants. */
  readonly settingsHash: string;
  /** Names the index as it is now; null when there is none. */
  identity(storeId: string): Promise<string | null>;
  /** Enqueues our settings, with which the engine makes the index if there is none; gives their task. */
  applySettings(storeId: string): Promise<number>;
  /** Enqueues the removal of all documents. */
  clear(storeId: string): Promise<void>;
  /** Enqueues changes. @throws EngineRefusal when the engine won't take them as a whole. */
  enqueue(storeId: string, changes: readonly Change[]): Promise<EnqueuedTask[]>;
  taskState(task: number): Promise<TaskState>;
}

/** The store has no index in the engine: nothing was indexed yet, or the engine was emptied. Not an outage. */
export class IndexMissing extends Error {
  override name = "IndexMissing";
}

/** The engine answered that it won't take this input. */
export class EngineRefusal extends Error {
  override name = "EngineRefusal";
}
