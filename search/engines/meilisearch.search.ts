/**
 * Queries to Meilisearch, by `fetch` and not by its client: that costs a node as much processor again as reading the answer,
 * and a query is what a node does most.
 */
import type { SearchItem } from "../document.ts";
import { type Found, IndexMissing, type SearchQuery } from "../engine.ts";
import { cutHits, foundTexts } from "../hits.ts";
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

/** Gives the text of the engine's answer. */
type Ask = (path: string, body: object, signal?: AbortSignal) => Promise<string>;

export function openQueries({ url, key }: Server) {
  const base = url.replace(/\/$/, "");
  const headers = {
    "content-type": "application/json",
    // Without it the answer of every search waits 44 ms for a delayed ACK.
    "accept-encoding": "identity",
    ...(key ? { authorization: `Bearer ${key}` } : {}),
  };
  const ask: Ask = async (path, body, signal) => {
    const init = { method: "POST", headers, body: JSON.stringify(body), signal: signal ?? null };
    const response = await fetch(`${base}/${path}`, init);
    if (response.ok) return response.text();
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
  if (queries.length === 1 && !query.describe) return plain(ask, uid, query, queries[0]!, signal);
  const text = await ask("multi-search", { queries }, signal);
  const { results } = JSON.parse(text) as { results: Answer[] };
  const [first] = results;
  if (!first) throw new Error("the engine gave no answer");
  return {
    items: first.hits.map(hit => hit.item),
    total: first.estimatedTotalHits ?? first.hits.length,
    facets: facetsOf(query, results),
    ...(query.describe ? { descriptions: first.hits.map(hit => hit.description ?? "") } : {}),
  };
}

/** What nearly all searches are: the hits go on as they came. */
async function plain(
  ask: Ask,
  uid: string,
  query: SearchQuery,
  { indexUid: _, ...body }: ReturnType<typeof searchQueries>[number],
  signal?: AbortSignal,
): Promise<Found> {
  const text = await ask(`indexes/${uid}/search`, body, signal);
  const cut = cutHits(text);
  const answer = JSON.parse(cut?.rest ?? text) as Answer;
  const texts = cut?.texts ?? answer.hits.map(hit => JSON.stringify(hit.item));
  const total = answer.estimatedTotalHits ?? texts.length;
  return foundTexts(texts, { total, facets: facetsOf(query, [answer]) });
}

async function anyOf(ask: Ask, uid: string, query: SearchQuery, signal?: AbortSignal): Promise<Found> {
  const { limit, offset } = query;
  const merged = { federation: { limit, offset }, queries: anyWordQueries(uid, query) };
  const text = await ask("multi-search", merged, signal);
  const { hits, estimatedTotalHits } = JSON.parse(text) as Answer;
  return { items: hits.map(hit => hit.item), total: estimatedTotalHits ?? hits.length, facets: {} };
}
