/**
 * Queries to Meilisearch, by `fetch` and not by its client: that costs a node as much processor again as reading the answer,
 * and a query is what a node does most.
 */
import { type Found, IndexMissing, type SearchQuery } from "../engine.ts";
import { foundTexts } from "../hits.ts";
import { type Hit, KeptItems, type Stored } from "./meilisearch.items.ts";
import { anyWordQueries, type Counted, facetsOf, searchQueries } from "./meilisearch.query.ts";

export type Server = { readonly url: string; readonly key?: string | undefined };

type Answer = Counted & { hits: (Hit & { description?: string })[]; estimatedTotalHits?: number };

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
  const items = new KeptItems(async (uid, ids, signal) => {
    const body = { ids, fields: ["id", "v", "item"], limit: ids.length };
    const text = await ask(`indexes/${uid}/documents/fetch`, body, signal);
    return (JSON.parse(text) as { results: Stored[] }).results;
  });
  return async (uid: string, query: SearchQuery, signal?: AbortSignal): Promise<Found> => {
    const answers = await (query.anyWord ? anyOf : search)(ask, uid, query, signal);
    const [first] = answers;
    if (!first) throw new Error("the engine gave no answer");
    const shown = await items.texts(uid, first.hits, signal);
    return foundTexts(
      shown.map(one => one.text),
      {
        total: first.estimatedTotalHits ?? first.hits.length,
        facets: facetsOf(query, answers),
        ...(query.describe ? { descriptions: shown.map(one => one.hit.description ?? "") } : {}),
      },
    );
  };
}

/** The answer with the hits first. */
type Search = (ask: Ask, uid: string, query: SearchQuery, signal?: AbortSignal) => Promise<Answer[]>;

const search: Search = async (ask, uid, query, signal) => {
  const queries = searchQueries(uid, query);
  if (queries.length > 1) {
    const { results } = JSON.parse(await ask("multi-search", { queries }, signal)) as { results: Answer[] };
    return results;
  }
  // What nearly all searches are. The engine takes one query more readily than a list of one.
  const { indexUid: _, ...body } = queries[0]!;
  return [JSON.parse(await ask(`indexes/${uid}/search`, body, signal))];
};

const anyOf: Search = async (ask, uid, query, signal) => {
  const { limit, offset } = query;
  const merged = { federation: { limit, offset }, queries: anyWordQueries(uid, query) };
  return [JSON.parse(await ask("multi-search", merged, signal))];
};
