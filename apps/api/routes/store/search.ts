/** Search, suggestions, related products, and what shoppers chose. */
import { Elysia, t } from "elysia";
import { createShopSearch, openMeilisearch } from "../../../../search/index.ts";
import { cachingHeaders } from "../../cache/caching-headers.ts";
import { SEARCH_TRUSTED_MS } from "../../cache/lifetimes.ts";
import { ReadyAnswer } from "../../cache/ready-answer.ts";
import type { ApiDeps } from "../../deps.ts";
import { storeAuth } from "../../http/auth.ts";
import { customerContext } from "../../http/customer.ts";
import { documented } from "../../http/documented.ts";
import { hotAnswersOf } from "../../http/hot-answers.ts";
import { perNode, reading } from "../../http/per-node.ts";
import { limited } from "../../http/rate-limit.ts";
import * as schema from "./search.schema.ts";

const SUGGESTED = 6;
const RELATED = 8;

/** Of a node: its circuit breaker, its answers and its counts. */
export const searchOf = perNode(deps => {
  const { config, sql, log, metrics, clock } = deps;
  const engine = config.meiliUrl ? openMeilisearch({ url: config.meiliUrl, key: config.meiliKey }) : null;
  return createShopSearch({ ...{ sql, log, metrics, clock, engine }, read: reading(deps) });
});

type Headers = { headers: Record<string, string | number> };

/** The answer, after saying whether it was given before. */
async function given<T>(
  set: Headers,
  answer: { value: T; hit: boolean } | Promise<{ value: T; hit: boolean }>,
): Promise<T> {
  const { value, hit } = await answer;
  set.headers["x-cache"] = hit ? "HIT" : "MISS";
  return value;
}

export function searchRoutes(deps: ApiDeps) {
  const search = searchOf(deps);
  const hot = hotAnswersOf(deps);
  const headers = cachingHeaders(deps.config.cdnSeconds, []);
  /** As bytes, for as long as the search gives them again. */
  const ready = new WeakMap<object, ReadyAnswer>();
  const mayAsk = limited(deps, "search", ({ customer }) => customer?.id);
  return new Elysia({ prefix: "/store", detail: { tags: ["store"] } })
    .use(storeAuth(deps))
    .use(customerContext(deps))
    .get(
      "/search",
      async ({ access, query, request, set }) => {
        const { value, hit, count } = await search.search(access.storeId, query);
        set.headers["x-cache"] = hit ? "HIT" : "MISS";
        set.headers["content-type"] = "application/json; charset=utf-8";
        if (!hit) return value.json;
        const until = performance.now() + SEARCH_TRUSTED_MS;
        const answer = ready.get(value) ?? new ReadyAnswer(value.json, headers);
        ready.set(value, answer);
        hot.keep(request, {
          ...{ answer, route: "/store/search", storeId: access.storeId, madeAt: null },
          isLive: now => now < until,
          onGiven: count,
        });
        return answer as never as string;
      },
      {
        beforeHandle: mayAsk,
        detail: {
          summary: "Search of the shop",
          description:
            "Typing errors are forgiven in names, not in SKUs and barcodes. `engine` says who answered. An answer is given again (`X-Cache: HIT`) until something changes in the shop's search. 429 `rate_limited`.",
        },
        query: schema.searchQuery,
        response: documented({ 200: schema.searchAnswer }),
      },
    )
    .get(
      "/search/suggest",
      ({ access, query, set }) =>
        given(set, search.suggest(access.storeId, { q: query.q, limit: query.limit ?? SUGGESTED })),
      {
        beforeHandle: mayAsk,
        detail: {
          summary: "What to offer while somebody types",
          description:
            "Popular queries that begin so, and products, categories and vendors of its hits. 429 `rate_limited`.",
        },
        query: schema.suggestQuery,
        response: documented({ 200: schema.suggestAnswer }),
      },
    )
    .post(
      "/search/clicks",
      ({ access, body, set }) => {
        search.counter.clicked(access.storeId, body);
        set.status = 202;
        return { status: "accepted" as const };
      },
      {
        beforeHandle: mayAsk,
        detail: {
          summary: "Say which hit was chosen",
          description:
            "Counted by query and day, never by person; written within seconds. A product that the shop does not have is not counted. 429 `rate_limited`.",
        },
        body: schema.clickBody,
        response: documented({ 202: t.Object({ status: t.Literal("accepted") }) }),
      },
    )
    .get(
      "/products/:idOrHandle/similar",
      ({ access, params, query, set }) =>
        given(set, search.similar(access.storeId, params.idOrHandle, query.limit ?? RELATED)),
      {
        beforeHandle: mayAsk,
        detail: { summary: "Products like this one", description: "429 `rate_limited`." },
        params: schema.relatedParams,
        query: schema.relatedQuery,
        response: documented({ 200: schema.relatedAnswer }),
      },
    )
    .get(
      "/products/:idOrHandle/recommendations",
      ({ access, params, query, set }) =>
        given(set, search.recommendations(access.storeId, params.idOrHandle, query.limit ?? RELATED)),
      {
        beforeHandle: mayAsk,
        detail: {
          summary: "Products that are bought together with this one",
          description:
            "As orders have it; filled up with similar products. `reason` says which is which. 429 `rate_limited`.",
        },
        params: schema.relatedParams,
        query: schema.relatedQuery,
        response: documented({ 200: schema.relatedAnswer }),
      },
    );
}
