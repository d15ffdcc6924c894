/** What shops ask of search: one object per process, for its breaker, its cache of answers and its counts are one. */

import { boughtTogether } from "../commerce/recommendations/index.ts";
import { createCounter, type SearchCounter } from "./analytics.ts";
import { AnswerCache, type Kept } from "./cache.ts";
import type { SearchItem } from "./document.ts";
import type { EngineName, Facets } from "./engine.ts";
import { type Highlights, highlightsOf } from "./highlight.ts";
import { hitsJson } from "./hits.ts";
import { queryOf, type SearchParams, textOf } from "./params.ts";
import { selectItems } from "./query.store.ts";
import { type Answered, type Ask, createAsk, readOf, type SearchDeps } from "./query.ts";
import { alike, itemOf } from "./related.ts";
import { correctedByHits, correctedByShop } from "./spelling.ts";
import { popularQueries, type Suggestions, suggestionsFor } from "./suggest.ts";

export type Hit = SearchItem & { highlights?: Highlights };

export type SearchAnswer = {
  items: Hit[];
  total: number;
  facets: Facets;
  /** The query with words that the shop has, where some were not found as they stand. */
  didYouMean: string | null;
  /** Nothing was found for the query, and the hits are those of `didYouMean`. */
  corrected: boolean;
  engine: EngineName;
  /** What finding it took; an answer that is given again says what it took then. */
  tookMs: number;
};

/** Kept as text: it goes out as it is, and weighs little on the collector. */
export type PreparedAnswer = {
  /** A {@link SearchAnswer}. */
  readonly json: string;
  /** Hits of the query as it was asked. */
  readonly found: number;
};

export type Search = (storeId: string, params: SearchParams) => Promise<SearchAnswer>;

/** An answer of the fallback is given again for so long only: the engine may be back. */
const STOPGAP_MS = 1_000;

export type RelatedItem = SearchItem & { reason: "bought_together" | "similar" };

export type RelatedAnswer = { items: RelatedItem[]; engine: EngineName };

/** `hit`: the answer is one that was given before. */
export type Given<T> = Promise<{ value: T; hit: boolean }>;

export type ShopSearch = {
  /** @throws Problem 422 for parameters out of bounds. */
  search(
    storeId: string,
    params: SearchParams,
  ): Promise<{
    value: PreparedAnswer;
    hit: boolean;
    /** Counts one search more; for who gives the answer again without asking. */
    count(): void;
  }>;
  /** Makes the answer, for those who will ask; not counted as a search. */
  prepare(storeId: string, params: SearchParams): Promise<void>;
  suggest(storeId: string, params: { q: string; limit: number }): Given<Suggestions>;
  /** @throws Problem 404 for a product that the shop does not show. */
  similar(storeId: string, idOrHandle: string, limit: number): Given<RelatedAnswer>;
  /** What was bought together with it, then what is similar. @throws Problem 404. */
  recommendations(storeId: string, idOrHandle: string, limit: number): Given<RelatedAnswer>;
  readonly counter: SearchCounter;
};

export function createShopSearch(deps: SearchDeps): ShopSearch {
  const { sql } = deps;
  const ask = createAsk(deps);
  const answers = new AnswerCache<PreparedAnswer>(sql);
  const suggestions = new AnswerCache<Suggestions>(sql);
  const related = new AnswerCache<RelatedAnswer>(sql);
  const counter = createCounter(deps);
  const prepared = (storeId: string, query: ReturnType<typeof queryOf>) =>
    answers.get(storeId, JSON.stringify(query), () => answer({ ...deps, ask }, storeId, query));
  return {
    counter,
    async prepare(storeId, params) {
      await prepared(storeId, queryOf(params));
    },
    async search(storeId, params) {
      const query = queryOf(params);
      const given = await prepared(storeId, query);
      // A look at the next page is not another search.
      const count = query.offset === 0 ? counter.repeated(storeId, query.q, given.value.found) : () => {};
      count();
      return { ...given, count };
    },
    suggest(storeId, { q, limit }) {
      const asked = { q: textOf(q), limit };
      return suggestions.get(storeId, JSON.stringify(asked), async () => {
        const popular = () => popularQueries(sql, storeId);
        const { value, stopgap } = await suggestionsFor(ask, popular, storeId, asked);
        return { value, weight: limit, ...(stopgap ? { maxAgeMs: STOPGAP_MS } : {}) };
      });
    },
    similar(storeId, idOrHandle, limit) {
      return related.get(storeId, JSON.stringify(["similar", idOrHandle, limit]), async () => {
        const { items, engine } = await alike(ask, storeId, await itemOf(sql, storeId, idOrHandle), limit);
        return { value: { items: items.map(item => because("similar", item)), engine }, weight: limit };
      });
    },
    recommendations(storeId, idOrHandle, limit) {
      return related.get(storeId, JSON.stringify(["recommendations", idOrHandle, limit]), async () => {
        const value = await recommended({ ...deps, ask }, storeId, idOrHandle, limit);
        return { value, weight: limit };
      });
    },
  };
}

const because = (reason: RelatedItem["reason"], item: SearchItem): RelatedItem => ({ ...item, reason });

async function recommended(
  deps: Asking,
  storeId: string,
  idOrHandle: string,
  limit: number,
): Promise<RelatedAnswer> {
  const { sql, ask } = deps;
  const item = await itemOf(sql, storeId, idOrHandle);
  const { together, found } = await readOf(deps)(async replica => {
    const ids = await boughtTogether(replica, storeId, item.id, 2 * limit);
    // Some of them may not be shown any more.
    return { together: ids, found: await selectItems(replica, storeId, ids) };
  });
  const bought = found.slice(0, limit);
  const items = bought.map(one => because("bought_together", one));
  if (items.length >= limit) return { items, engine: "postgres" };
  const known = new Set(together);
  const { items: others, engine } = await alike(ask, storeId, item, 3 * limit);
  const more = others.filter(one => !known.has(one.id)).map(one => because("similar", one));
  return { items: [...items, ...more].slice(0, limit), engine };
}

/** A search without a cache: each call is answered anew. */
export function createSearch(deps: SearchDeps): Search {
  const ask = createAsk(deps);
  return async (storeId, params) =>
    JSON.parse((await answer({ ...deps, ask }, storeId, queryOf(params))).value.json);
}

type Asking = SearchDeps & { readonly ask: Ask };

async function answer(
  deps: Asking,
  storeId: string,
  query: ReturnType<typeof queryOf>,
): Promise<Kept<PreparedAnswer>> {
  const startedAt = performance.now();
  let found = await deps.ask(storeId, query);
  let didYouMean = found.total > 0 ? correctedByHits(query.q, found) : null;
  let corrected = false;
  if (found.total === 0 && query.q !== "") {
    didYouMean = await readOf(deps)(sql => correctedByShop(sql, storeId, query.q));
    if (didYouMean !== null) {
      const better = await deps.ask(storeId, { ...query, q: didYouMean });
      corrected = better.total > 0;
      if (corrected) found = better;
      else didYouMean = null;
    }
  }
  const q = corrected ? didYouMean! : query.q;
  const items = query.describe ? JSON.stringify(highlighted(q, found)) : hitsJson(found);
  const { total, facets, engine, stopgap } = found;
  const tookMs = Math.round((performance.now() - startedAt) * 100) / 100;
  const rest: Omit<SearchAnswer, "items"> = { total, facets, didYouMean, corrected, engine, tookMs };
  return {
    value: { json: `{"items":${items},${JSON.stringify(rest).slice(1)}`, found: corrected ? 0 : total },
    weight: found.texts?.length ?? found.items.length,
    ...(stopgap ? { maxAgeMs: STOPGAP_MS } : {}),
  };
}

function highlighted(q: string, { items, descriptions = [] }: Answered): Hit[] {
  return items.map((item, i) => ({ ...item, highlights: highlightsOf(q, item, descriptions[i] ?? "") }));
}
