/**
 * Searches that are asked again and again, answered before a request reaches the application: when a sale opens everybody
 * types the same words, and the shell around our routes costs ten times what such an answer does.
 *
 * An answer that the search itself had given before (`X-Cache: HIT`) is kept as bytes for {@link TRUSTED_MS}, under all that
 * it depends on: key of the shop, path with query, accepted encodings. Then one request goes the long way again and makes
 * sure that it still holds: so a change, or a key that is revoked, shows so much later at most. Conditional requests, those of
 * logged-in customers, and everything while this node drains go the long way.
 *
 * Such answers are counted like others, in the metrics and in what shoppers search for. They are not in the access log, and
 * rate limits, which guard what costs, don't count them.
 */
import type { ApiDeps } from "../deps.ts";
import { answersOf } from "./observe.ts";
import { perNode } from "./per-node.ts";

export type HotSearches = {
  /** The answer, when it is one that we know. */
  answer(request: Request): Response | undefined;
  /** The answer to this request is one that was given before; `count` notes that it is given once more. */
  mayKeep(request: Request, count: () => void): void;
  /** The application's answer, kept when it may be. */
  keep(request: Request, answer: Response | Promise<Response>): Response | Promise<Response>;
};

const TRUSTED_MS = 250;
const MEMORY_BYTES = 16 * 1024 * 1024;
const MAX_KEY = 2_000;
const PATH = "/store/search";
/** Of the request that was answered, not of the answer. */
const OF_ONE_REQUEST = [
  "x-request-id",
  "traceparent",
  "server-timing",
  "date",
  "ratelimit",
  "ratelimit-policy",
];

type HotSearch = {
  body: Uint8Array<ArrayBuffer>;
  headers: Headers;
  until: number;
  count: () => void;
};

function keyOf({ method, url, headers }: Request): string | undefined {
  if (method !== "GET") return undefined;
  const path = url.indexOf("/", "https://".length);
  if (!url.startsWith(PATH, path)) return undefined;
  const shop = headers.get("x-publishable-key");
  if (!shop || headers.has("if-none-match") || headers.has("authorization") || headers.has("cookie"))
    return undefined;
  const key = `${shop} ${headers.get("accept-encoding") ?? ""} ${url.slice(path)}`;
  return key.length <= MAX_KEY ? key : undefined;
}

export const hotSearchesOf = perNode((deps: ApiDeps): HotSearches => {
  const kept = new Map<string, HotSearch>();
  const allowed = new WeakMap<Request, () => void>();
  const answers = answersOf(deps).labels("GET", PATH, "200");
  let held = 0;

  function forget(key: string): void {
    held -= kept.get(key)?.body.length ?? 0;
    kept.delete(key);
  }

  async function read(key: string, response: Response, count: () => void): Promise<Response> {
    const body = new Uint8Array(await response.arrayBuffer());
    const headers = new Headers(response.headers);
    for (const name of OF_ONE_REQUEST) headers.delete(name);
    forget(key);
    kept.set(key, { body, headers, until: performance.now() + TRUSTED_MS, count });
    held += body.length;
    while (held > MEMORY_BYTES) forget(kept.keys().next().value!);
    return new Response(body, { status: response.status, headers: response.headers });
  }

  return {
    answer(request) {
      if (kept.size === 0 || deps.drain?.active) return undefined;
      const key = keyOf(request);
      const known = key === undefined ? undefined : kept.get(key);
      if (known === undefined) return undefined;
      const startedAt = performance.now();
      if (known.until < startedAt) {
        forget(key!);
        return undefined;
      }
      known.count();
      const response = new Response(known.body, { headers: known.headers });
      answers.observe((performance.now() - startedAt) / 1_000);
      return response;
    },
    mayKeep(request, count) {
      allowed.set(request, count);
    },
    keep(request, answer) {
      const key = keyOf(request);
      if (key === undefined) return answer;
      return Promise.resolve(answer).then(response => {
        const count = allowed.get(request);
        return count && response.status === 200 ? read(key, response, count) : response;
      });
    },
  };
});
