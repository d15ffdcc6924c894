/**
 * Reads of the shop that are asked again and again, answered before a request reaches the application: the shell around our
 * routes costs ten times what such an answer does.
 *
 * A route that gives a ready answer hands it over with the request ({@link HotAnswers.keep}); from then on the same path with
 * the same publishable key is answered here, as long as the answer is live (the cache says so, at each request) and the key
 * is one that the guard has looked up within its second. Conditions (`If-None-Match`, a list or `*`), HEAD and encodings are
 * seen to here. Whoever is logged in, brings a trace or credentials, and everything while this node drains, goes the long way.
 *
 * Such answers are counted like others in the metrics, and what was searched in what shoppers search for; one in
 * {@link SAMPLE} has a line in the access log, or each (TRADEWIND_ACCESS_LOG). Rate limits, which guard what costs, don't
 * count them.
 */
import type { ReadyAnswer } from "../cache/ready-answer.ts";
import type { ApiDeps } from "../deps.ts";
import { accessLogOf } from "./access-log.ts";
import { keyTrustedUntil } from "./auth.ts";
import { acceptedEncoding, type Encoding } from "./compression.ts";
import { allowOrigins } from "./cors.ts";
import { matchesETag } from "./etag.ts";
import { answersOf } from "./observe.ts";
import { perNode } from "./per-node.ts";

type Series = ReturnType<ReturnType<typeof answersOf>["labels"]>;

/** What a route hands over. */
export type Hot = {
  readonly answer: ReadyAnswer;
  readonly route: string;
  readonly storeId: string;
  /** `performance.now()` of its making, for `Age`; null: it does not tell. */
  readonly madeAt: number | null;
  isLive(now: number): boolean;
  /** It is given once more. */
  onGiven(): void;
};

export type HotAnswers = {
  /** The answer, when it is one that we have. */
  answer(request: Request): Response | undefined;
  keep(request: Request, hot: Hot): void;
};

const MAX_ANSWERS = 20_000;
/** Most of it is the cache's own memory, and in its bounds already. */
const MAX_BYTES = 48 * 1_048_576;
const MAX_PATH = 1_500;
const PREFIX = "/store/";
const COMMON = { "x-cache": "HIT", "server-timing": "cache;desc=hit", "x-content-type-options": "nosniff" };
/** Publishable keys. */
const MAX_SHOPS = 5_000;
/** Accept-Encoding headers that are remembered; browsers send a handful. */
const MAX_ENCODINGS = 200;
const OTHER_WAYS = ["authorization", "cookie", "traceparent", "x-request-id"];

/** How answers of one route to one shop are counted and logged. */
type Tell = { readonly observe: Series; readonly log: (ms: number) => void };
type Telling = { readonly [M in "GET" | "HEAD"]: { readonly whole: Tell; readonly unchanged: Tell } };
/** Given as clones, which share their bytes and cost half of what a Response does that is made anew. */
type Made = { readonly age: number; readonly whole: Response; unchanged: Response | undefined };
type Kept = {
  readonly shop: Shop;
  readonly path: string;
  readonly hot: Hot;
  readonly telling: Telling;
  /** By encoding; as of the second `age`. */
  readonly made: Map<Encoding | null, Made>;
};
/** What is asked for with one publishable key. */
type Shop = {
  /** `performance.now()` until which the key is known to be good. */
  trustedUntil: number;
  readonly answers: Map<string, Kept>;
  /** By route. */
  readonly telling: Map<string, Telling>;
};

/** Path and query of a request that may be answered here. */
function pathOf({ method, url, headers }: Request): string | undefined {
  if (method !== "GET" && method !== "HEAD") return undefined;
  const start = url.indexOf("/", "https://".length);
  if (url.length - start > MAX_PATH || !url.startsWith(PREFIX, start)) return undefined;
  for (const name of OTHER_WAYS) if (headers.has(name)) return undefined;
  return url.slice(start);
}

export const hotAnswersOf = perNode((deps: ApiDeps): HotAnswers => {
  const shops = new Map<string, Shop>();
  /** Oldest first: a Set keeps the order of insertion. */
  const all = new Set<Kept>();
  const encodings = new Map<string, Encoding | null>();
  const answers = answersOf(deps);
  const accessLog = accessLogOf(deps);
  let held = 0;
  const node = deps.config.processName || `api-${process.pid}`;

  function encodingOf(accepted: string | null): Encoding | null {
    if (accepted === null) return null;
    const known = encodings.get(accepted);
    if (known !== undefined) return known;
    const encoding = acceptedEncoding(accepted);
    if (encodings.size < MAX_ENCODINGS) encodings.set(accepted, encoding);
    return encoding;
  }

  function madeOf({ hot, made }: Kept, encoding: Encoding | null, now: number): Made {
    const age = hot.madeAt === null ? 0 : Math.max(0, Math.floor((now - hot.madeAt) / 1_000));
    const known = made.get(encoding);
    if (known?.age === age) return known;
    const { body, headers } = hot.answer.form(encoding);
    const all: Record<string, string> = { ...headers, ...COMMON, "x-node": node };
    if (hot.madeAt !== null) all.age = String(age);
    allowOrigins(hot.route, all);
    const one: Made = { age, whole: new Response(body, { headers: all }), unchanged: undefined };
    made.set(encoding, one);
    return one;
  }

  function tellingOf(shop: Shop, hot: Hot): Telling {
    const known = shop.telling.get(hot.route);
    if (known) return known;
    const tell = (method: string, status: number): Tell => ({
      observe: answers.labels(method, hot.route, String(status)),
      log: accessLog.hits(method, hot, status),
    });
    const by = (method: string) => ({ whole: tell(method, 200), unchanged: tell(method, 304) });
    const telling = { GET: by("GET"), HEAD: by("HEAD") };
    shop.telling.set(hot.route, telling);
    return telling;
  }

  function forget(one: Kept): void {
    if (!all.delete(one)) return;
    held -= one.hot.answer.bytes;
    one.shop.answers.delete(one.path);
  }

  return {
    answer(request) {
      const given = request.headers;
      const key = given.get("x-publishable-key");
      const shop = key === null ? undefined : shops.get(key);
      const path = shop === undefined ? undefined : pathOf(request);
      const known = path === undefined ? undefined : shop!.answers.get(path);
      if (known === undefined || deps.drain?.active) return undefined;
      const now = performance.now();
      if (now >= shop!.trustedUntil) return undefined;
      if (!known.hot.isLive(now)) {
        forget(known);
        return undefined;
      }
      known.hot.onGiven();
      const made = madeOf(known, encodingOf(given.get("accept-encoding")), now);
      const condition = given.get("if-none-match");
      const isUnchanged = condition !== null && matchesETag(condition, known.hot.answer.etag);
      if (isUnchanged) made.unchanged ??= unchanged(made.whole.headers);
      const response = (isUnchanged ? made.unchanged! : made.whole).clone();
      const telling = known.telling[request.method as "GET" | "HEAD"];
      const tell = isUnchanged ? telling.unchanged : telling.whole;
      const ms = performance.now() - now;
      tell.observe.observe(ms / 1_000);
      tell.log(ms);
      return response as Response;
    },
    keep(request, hot) {
      const key = request.headers.get("x-publishable-key");
      const trustedUntil = key === null ? 0 : keyTrustedUntil(deps.sql, key);
      const now = performance.now();
      if (key === null || trustedUntil <= now) return;
      const shop = shops.get(key) ?? { trustedUntil, answers: new Map(), telling: new Map() };
      shop.trustedUntil = trustedUntil;
      shops.set(key, shop);
      const path = pathOf(request);
      if (path === undefined || !hot.isLive(now)) return;
      const before = shop.answers.get(path);
      if (before) forget(before);
      const one: Kept = { shop, path, hot, telling: tellingOf(shop, hot), made: new Map() };
      shop.answers.set(path, one);
      all.add(one);
      held += hot.answer.bytes;
      while (all.size > MAX_ANSWERS || held > MAX_BYTES) forget(all.values().next().value!);
      if (shops.size > MAX_SHOPS) forgetShop();
    },
  };

  function forgetShop(): void {
    const [key, shop] = shops.entries().next().value!;
    for (const one of [...shop.answers.values()]) forget(one);
    shops.delete(key);
  }
});

function unchanged(headers: Headers): Response {
  const bare = new Headers(headers);
  bare.delete("content-type");
  bare.delete("content-encoding");
  return new Response(null, { status: 304, headers: bare });
}
