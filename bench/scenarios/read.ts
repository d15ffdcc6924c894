/**
 * What shops read, by one node, beside a bare Elysia route that gives the same bytes with the same headers (the limit): one
 * product, a list, a search, out of the cache. Then in the open loop at a fixed rate, and while 50 products a second change.
 *
 * Exact: every answer was a 200; all readers of one product that was not there cost one making of it; what was read last
 * shows the last change.
 */
import { rebuildNow, searchSources } from "../../commerce/storefront/index.ts";
import { indexProducts } from "../../search/index.ts";
import { HttpConnection, requestText } from "../load/connection.ts";
import { maximum } from "../load/maximum.ts";
import { openLoop } from "../load/open.ts";
import type { Case, Options, Report, Scenario } from "../scenario.ts";
import { type BenchShop, openBenchShop } from "../shop.ts";
import type { ApiNode, BenchStack } from "../stack.ts";
import { figuresOf, type Measured, median, round } from "../stats.ts";
import { browse } from "./read.browse.ts";

const PRODUCTS = 2_000;
const CLIENTS = 64;
const READERS = 2_000;
const OPEN_PER_SECOND = 10_000;
const BAR = 0.85;
const BAR_LISTS = 0.8;
const BAR_ALL_LINES = 0.65;
const P99_MS = 10;
/** The log as it is by default: hits sampled. */
const LOGGED = { TRADEWIND_LOG_LEVEL: "info" };

export const readScenario: Scenario = {
  name: "read",
  about: "cached products, lists and searches, beside a bare Elysia route with the same bytes and headers",
  seconds: 5,
  ratio: {
    bar: BAR,
    async measure(stack, seconds) {
      const { shop, api, bare } = await prepare(stack, 100);
      const pair = await alternately({ shop, api, bare, path: productPath(shop) }, 3, seconds / 6);
      return pair.ratio;
    },
  },
  async run(stack, options): Promise<Report> {
    const { seconds, quick, say } = options;
    say("read: filling a shop");
    const { shop, api, bare } = await prepare(stack, quick ? PRODUCTS / 2 : PRODUCTS);
    const runs = quick ? 2 : 5;
    const compare = (path: string, node = api) => {
      say(`read: ${path}`);
      return alternately({ shop, api: node, bare, path }, runs, seconds);
    };
    const product = await compare(productPath(shop));
    const list = await compare("/store/products?limit=24");
    const search = await compare("/store/search?q=product&limit=24");
    const chatty = await stack.startApi({ ...LOGGED, TRADEWIND_ACCESS_LOG: "all" });
    const lines = await compare(productPath(shop), chatty);
    await chatty.stop();
    say("read: open loop");
    const steady = await openCase(api, shop, options);
    say("read: many readers of one product");
    const together = await readTogether(stack, api);
    const browsed = await browse(stack, api, shop, options);
    return {
      runs,
      exact: together.fills === 1 && together.all === READERS && browsed.faults.length === 0,
      ours: product.ours,
      limit: { name: "bare Elysia route, the same bytes and headers", ...product.limit },
      ofLimit: product.ratio,
      cases: [
        named("a product", product, BAR),
        named("a list of 24", list, BAR_LISTS),
        named("a search with 24 hits", search, BAR_LISTS),
        named("a product, with a line in the access log for each", lines, BAR_ALL_LINES),
        steady,
        {
          name: `${READERS} readers of a product that nobody had read`,
          target: `made ${together.fills} times; once`,
          ok: together.fills === 1,
        },
        ...browsed.cases,
      ],
      notes: [
        `${together.all} of the ${READERS} readers were answered 200`,
        ...browsed.faults.map(fault => `NOT EXACT: ${fault}`),
      ],
    };
  },
};

const productPath = (shop: BenchShop) => `/store/products/${shop.skus[0]!.productId}`;

async function prepare(stack: BenchStack, products: number) {
  const shop = await openBenchShop(stack.sql, { skus: products });
  await rebuildNow(stack.sql, shop.storeId);
  const ids = shop.skus.map(sku => sku.productId);
  // By Postgres: what is measured is an answer that is given again, whoever gave it first.
  const search = { sql: stack.sql, engine: null, products: searchSources };
  for (let from = 0; from < ids.length; from += 500)
    await indexProducts(search, shop.storeId, ids.slice(from, from + 500));
  // What all that has others do is done.
  await stack.sql`DELETE FROM bus.outbox`;
  const [api, bare] = [await stack.startApi(LOGGED), await stack.startServer("bench/servers/bare.ts")];
  return { shop, api, bare };
}

type Pair = { ours: ReturnType<typeof figuresOf>; limit: ReturnType<typeof figuresOf>; ratio: number };
type Compared = { shop: BenchShop; api: ApiNode; bare: ApiNode; path: string };

/** In turns, so that both see the same weather on a machine that others use too. */
async function alternately(
  { shop, api, bare, path }: Compared,
  runs: number,
  seconds: number,
): Promise<Pair> {
  const headers = { "x-publishable-key": shop.key };
  await teach(bare, await warmed(api, path, headers));
  const load = { path, headers, clients: CLIENTS, seconds };
  const [ours, limit]: [Measured[], Measured[]] = [[], []];
  for (let i = 0; i < runs; i++) {
    limit.push(await maximum({ ...load, port: bare.port }));
    ours.push(await maximum({ ...load, port: api.port }));
  }
  const rate = (one: Measured) => one.count / one.seconds;
  const ratio = round(median(ours.map((one, i) => rate(one) / rate(limit[i]!))));
  return { ours: figuresOf(ours), limit: figuresOf(limit), ratio };
}

/** The answer out of the cache. */
async function warmed(api: ApiNode, path: string, headers: Record<string, string>): Promise<Response> {
  for (let i = 0; i < 50; i++) {
    const answer = await fetch(`http://127.0.0.1:${api.port}${path}`, {
      headers: { ...headers, "accept-encoding": "identity" },
    });
    if (answer.headers.get("x-cache") === "HIT") return answer;
    await answer.body?.cancel();
  }
  throw new Error(`${path} is not cached`);
}

/** Has the bare server give the same; what Bun adds by itself it adds there too. */
async function teach(bare: ApiNode, answer: Response): Promise<void> {
  const headers = Object.fromEntries(answer.headers);
  for (const own of ["date", "content-length", "connection", "keep-alive"]) delete headers[own];
  const said = await fetch(`http://127.0.0.1:${bare.port}/answer`, {
    method: "POST",
    body: JSON.stringify({ headers, body: await answer.text() }),
  });
  if ((await said.text()) !== "kept") throw new Error("the bare server did not take the answer");
}

function named(name: string, { ours, limit, ratio }: Pair, bar: number): Case {
  return {
    ...{ name, ...ours, ofLimit: ratio, ok: ratio >= bar },
    target: `${bar} of the bare route's ${limit.perSecond}/s`,
  };
}

async function openCase(api: ApiNode, shop: BenchShop, { seconds, quick }: Options): Promise<Case> {
  const request = requestText({
    method: "GET",
    path: productPath(shop),
    headers: { "x-publishable-key": shop.key },
  });
  const result = await openLoop({
    ...{ ports: [api.port], perSecond: OPEN_PER_SECOND, seconds: quick ? seconds : 2 * seconds },
    kinds: [{ name: "product", share: 1, requests: [request], expect: [200] }],
  });
  const p99Ms = round(result.all.percentileMs(0.99));
  const isFit = result.whole && !result.lateness.behind;
  return {
    name: `a product at ${OPEN_PER_SECOND}/s, open loop`,
    perSecond: Math.round(result.answered / result.seconds),
    p50Ms: round(result.all.percentileMs(0.5)),
    p99Ms,
    target: `p99 under ${P99_MS} ms${isFit ? "" : "; the generator fell behind"}`,
    ok: isFit && p99Ms < P99_MS,
  };
}

/** All at once, on connections that stand; how often it was made. */
async function readTogether(stack: BenchStack, api: ApiNode): Promise<{ fills: number; all: number }> {
  // Of a shop that was not there when the node warmed its cache.
  const shop = await openBenchShop(stack.sql, { skus: 1 });
  const connections = await Promise.all(Array.from({ length: READERS }, () => HttpConnection.open(api.port)));
  const path = `/store/products/${shop.skus[0]!.productId}`;
  const request = requestText({ method: "GET", path, headers: { "x-publishable-key": shop.key } });
  const before = await fillsOf(api);
  const answers = await Promise.all(connections.map(one => one.send(request)));
  for (const one of connections) one.close();
  const fills = (await fillsOf(api)) - before;
  return { fills, all: answers.filter(one => one.status === 200).length };
}

async function fillsOf(api: ApiNode): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${api.port}/metrics`)).text();
  const lines = text.matchAll(/^tradewind_cache_fill_seconds_count\{([^}]*)\} (\d+)/gm);
  return [...lines]
    .filter(([, labels]) => labels!.includes('family="product"'))
    .reduce((sum, [, , count]) => sum + Number(count), 0);
}
