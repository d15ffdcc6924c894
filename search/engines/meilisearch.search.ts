/**
 * Queries to Meilisearch, by `fetch` and not by its client: that costs a node as much processor again as reading the answer,
 * and a query is what a node does most.
 */
import type { SearchItem } from "../document.ts";
import { type Found, IndexMissing, type SearchQuery } from "../engine.ts";
import { anyWordQueries, type Counted, facetsOf, searchQueries } from "./meilisearch.query.ts";

export type Server = { readonly url: string; readonly key?: string | undefined };

type Hit = { item: SearchItem; description?: string };
type Answer = Counted & { hits: Hit[]; estimatedTotalHits?: number };

/** Not there, or there without its settings: it can't filter or sort yet. */
const MISSING = new Set([
  "index_not_found",
  "invalid_search_filter",
  "invalid_search_sort",
  "invalid_search_facets",
]);

type Ask = <T>(path: string, body: object, signal?: AbortSignal) => Promise<T>;

export function openQueries({ url, key }: Server) {
  const base = url.replace(/\/$/, "");
  const headers = {
    "content-type": "application/json",
    // Without it the answer of every search waits 44 ms for a delayed ACK.
    "accept-encoding": "identity",
    ...(key ? { authorization: `Bearer ${key}` } : {}),
  };
  const ask: Ask = async <T>(path: string, body: object, signal?: AbortSignal) => {
    const init = { method: "POST", headers, body: JSON.stringify(body), signal: signal ?? null };
    const response = await fetch(`${base}/${path}`, init);
    if (response.ok) return (await response.json()) as T;
    const { code = "" } = (await response.json().catch(() => ({}))) as { code?: string };
    throw MISSING.has(code)
      ? new IndexMissing(path)
      : new Error(`the engine answered ${response.status} ${code}`);
  };
  return (uid: string, query: SearchQuery, signal?: AbortSignal): Promise<Found> =>
    query.anyWord ? anyOf(ask, uid, query, signal) : search(ask, uid, query, signal);
}

async function search(ask: Ask, uid: string, query: SearchQuery, signal?: AbortSignal): Promise<Found> {
  const queries = searchQueries(uid, query);
  const [{ indexUid: _, ...only }] = queries as [(typeof queries)[number]];
  const results =
    queries.length === 1
      ? [await ask<Answer>(`indexes/${uid}/search`, only, signal)]
      : (await ask<{ results: Answer[] }>("multi-search", { queries }, signal)).results;
  const [first] = results;
  if (!first) throw new Error("the engine gave no answer");
  return {
    items: first.hits.map(hit => hit.item),
    total: first.estimatedTotalHits ?? first.hits.length,
    facets: facetsOf(query, results),
    ...(query.describe ? { descriptions: first.hits.map(hit => hit.description ?? "") } : {}),
  };
}

async function anyOf(ask: Ask, uid: string, query: SearchQuery, signal?: AbortSignal): Promise<Found> {
  const { limit, offset } = query;
  const merged = { federation: { limit, offset }, queries: anyWordQueries(uid, query) };
  const { hits, estimatedTotalHits } = await ask<Answer>("multi-search", merged, signal);
  return { items: hits.map(hit => hit.item), total: estimatedTotalHits ?? hits.length, facets: {} };
}
