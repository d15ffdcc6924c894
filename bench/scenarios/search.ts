/**
 * Searches over HTTP by a node with one shop of 20,000 products, beside the engine asked directly for the same (the limit): by
 * one client and by 32, each query another one, so that nothing is given again; then the same few queries again and again; then
 * recommendations out of a million order lines; then the engine stops and goes on.
 *
 * Exact: every answer was 200, came from the engine, and one query's hits are the engine's own in its order.
 */
import { countProducts, productIdsAfter } from "../../commerce/catalog/index.ts";
import { seedProducts } from "../../commerce/demo/index.ts";
import { learnOrders } from "../../commerce/recommendations/index.ts";
import { searchSources } from "../../commerce/storefront/index.ts";
import { createKey, createStore } from "../../commerce/stores/index.ts";
import type { Db } from "../../platform/postgres/index.ts";
import { openMeilisearch, requestReindex, runReindex } from "../../search/index.ts";
import { closedLoop } from "../load/closed.ts";
import { requestText } from "../load/connection.ts";
import type { Case, Report, Scenario } from "../scenario.ts";
import type { ApiNode, BenchStack } from "../stack.ts";
import { figuresOf, type Measured, round } from "../stats.ts";
import { frozen } from "./search.frozen.ts";
import { learnMany } from "./search.orders.ts";

const PRODUCTS = 20_000;
const LINES = 1_000_000;
const MANY = 32;
const REPEATED = 100;
const PAGE = 24;
const nouns = [
  "Lantern",
  "Kettle",
  "Compass",
  "Sweater",
  "Satchel",
  "Bowl",
  "Chair",
  "Clock",
  "Shelf",
  "Lamp",
];
const manners = ["Brass", "Oak", "Linen", "Copper", "Wool", "Leather", "Slate", "Cork", "Steel", "Silk"];

type Shop = { storeId: string; key: string; productIds: string[] };
type Target = { port: number; request(q: string): string };

export const searchScenario: Scenario = {
  name: "search",
  about: "searches over HTTP, beside the search engine asked directly; repeated ones; recommendations",
  seconds: 4,
  async run(stack, { seconds, quick, say }): Promise<Report> {
    const runs = quick ? 2 : 5;
    const engine = await stack.startMeilisearch();
    say("search: filling a shop and its index");
    const shop = await openShop(stack, engine, quick ? PRODUCTS / 5 : PRODUCTS);
    const api = await stack.startApi();
    const [node, direct] = [nodeTarget(api, shop), engineTarget(engine, shop)];
    const exact = await agrees(node, direct);
    for (const target of [direct, node]) await ask(target, 4, 1);
    const one = await compare(node, direct, { clients: 1, seconds, runs, say });
    const many = await compare(node, direct, { clients: MANY, seconds, runs, say });
    say("search: the same queries again and again");
    const again: Measured[] = [];
    for (let i = 0; i < runs; i++) again.push(await repeated(node, seconds));
    say("search: recommendations");
    const lines = quick ? LINES / 10 : LINES;
    const related = await recommendations(stack.sql, api, shop, { lines, seconds, runs });
    say("search: the engine stops and goes on");
    const asking = { port: node.port, request: () => node.request(nextQuery()) };
    const stopped = await frozen(engine, asking, 2 * runs);
    const [ours, limit] = [figuresOf(many.ours), figuresOf(many.limit)];
    const [p50, best] = [figuresOf(one.ours), figuresOf(one.limit)];
    const extraMs = round(p50.p50Ms! - best.p50Ms!);
    const share = round(ours.perSecond / limit.perSecond);
    const cached = figuresOf(again);
    const cases: Case[] = [
      {
        name: "one client, each query another",
        ...p50,
        target: `p50 ${extraMs} ms above the engine's ${best.p50Ms} ms; at most 1`,
        ok: extraMs <= 1,
      },
      {
        name: `${MANY} clients, each query another`,
        ...ours,
        ofLimit: share,
        target: "at least 0.8 of the engine",
        ok: share >= 0.8,
      },
      {
        name: `${MANY} clients, ${REPEATED} queries again and again`,
        ...cached,
        target: "over 20,000 a second",
        ok: cached.perSecond > 20_000,
      },
      ...related,
      ...stopped,
    ];
    return {
      runs,
      exact,
      ours,
      limit: { name: "the same queries to Meilisearch itself", ...limit },
      ofLimit: share,
      cases,
      notes: [
        `${shop.productIds.length} products, ${PAGE} hits an answer, clients and servers on one machine`,
      ],
    };
  },
};

async function openShop(
  stack: BenchStack,
  server: { url: string; key: string },
  products: number,
): Promise<Shop> {
  const { sql } = stack;
  const store = await createStore(sql, { name: "Bench", currency: "EUR" });
  const { key } = await createKey(sql, { kind: "publishable", storeId: store.id, name: "bench" });
  const productIds = await seedProducts(sql, store, products, { announce: false });
  const deps = {
    sql,
    engine: openMeilisearch(server),
    products: searchSources,
    productIds: productIdsAfter,
    countProducts,
  };
  const { id } = await requestReindex(sql, { storeId: store.id });
  const ended = await runReindex(deps, store.id, id);
  if (ended.type !== "done") throw new Error(`the reindex ended as ${ended.type}`);
  await sql`VACUUM ANALYZE`;
  return { storeId: store.id, key, productIds };
}

let asked = 0;
/** Never the same twice, each with hundreds of hits. */
function nextQuery(): string {
  const n = asked++;
  const words = `${manners[n % 10]} ${nouns[Math.floor(n / 10) % 10]}`;
  return `${words} ${Math.floor(n / 100)}`;
}

function nodeTarget(api: ApiNode, shop: Shop): Target {
  return {
    port: api.port,
    request: q =>
      requestText({
        method: "GET",
        path: `/store/search?q=${encodeURIComponent(q)}&limit=${PAGE}`,
        headers: { "x-publishable-key": shop.key },
      }),
  };
}

function engineTarget(engine: { url: string; key: string }, shop: Shop): Target {
  return {
    port: Number(new URL(engine.url).port),
    request: q =>
      requestText({
        method: "POST",
        path: `/indexes/products_${shop.storeId.toLowerCase()}/search`,
        headers: { authorization: `Bearer ${engine.key}` },
        json: { q, limit: PAGE, offset: 0, matchingStrategy: "last", attributesToRetrieve: ["item"] },
      }),
  };
}

function ask(
  { port, request }: Target,
  clients: number,
  seconds: number,
  next = nextQuery,
): Promise<Measured> {
  return closedLoop({
    ports: [port],
    clients,
    seconds,
    next: () => request(next()),
    onAnswer(answer) {
      if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.body}`);
    },
  });
}

type Compared = { ours: Measured[]; limit: Measured[] };

/** In turns, so that both see the same weather on a machine that others use too. */
async function compare(
  node: Target,
  direct: Target,
  options: { clients: number; seconds: number; runs: number; say(line: string): void },
): Promise<Compared> {
  const { clients, seconds, runs, say } = options;
  const compared: Compared = { ours: [], limit: [] };
  for (let i = 0; i < runs; i++) {
    say(`search: ${clients} clients, run ${i + 1} of ${runs}`);
    compared.limit.push(await ask(direct, clients, seconds));
    compared.ours.push(await ask(node, clients, seconds));
  }
  return compared;
}

async function repeated(node: Target, seconds: number): Promise<Measured> {
  const bytes = Array.from({ length: REPEATED }, (_, i) =>
    node.request(`${manners[i % 10]} ${nouns[Math.floor(i / 10)]}`),
  );
  let n = 0;
  return closedLoop({
    ports: [node.port],
    clients: MANY,
    seconds,
    next: () => bytes[n++ % REPEATED],
    onAnswer(answer) {
      if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.body}`);
    },
  });
}

/** One query's hits by both. */
async function agrees(node: Target, direct: Target): Promise<boolean> {
  const bodies: string[] = [];
  for (const { port, request } of [node, direct]) {
    await closedLoop({
      ports: [port],
      clients: 1,
      seconds: 5,
      next: () => (bodies.length % 2 === (port === node.port ? 0 : 1) ? request("brass lantern") : undefined),
      onAnswer: answer => void bodies.push(answer.body),
    });
  }
  const [ours, theirs] = bodies.map(body => JSON.parse(body)) as [
    { engine: string; items: { id: string }[] },
    { hits: { item: { id: string } }[] },
  ];
  const ids = ours.items.map(item => item.id).join();
  return ours.engine === "meilisearch" && ids === theirs.hits.map(hit => hit.item.id).join() && ids !== "";
}

async function recommendations(
  sql: Db,
  api: ApiNode,
  shop: Shop,
  { lines, seconds, runs }: { lines: number; seconds: number; runs: number },
): Promise<Case[]> {
  const fresh = await learnMany(sql, shop, lines);
  const measured: Measured[] = [];
  let n = 0;
  for (let i = 0; i < runs; i++) {
    measured.push(
      await closedLoop({
        ports: [api.port],
        clients: 4,
        seconds,
        // Each product once: nothing is given again. The first ones are those that everybody buys.
        next: () =>
          n >= shop.productIds.length
            ? undefined
            : requestText({
                method: "GET",
                path: `/store/products/${shop.productIds[n++]}/recommendations`,
                headers: { "x-publishable-key": shop.key },
              }),
        onAnswer(answer) {
          if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.body}`);
        },
      }),
    );
  }
  const figures = figuresOf(measured.filter(one => one.count > 0));
  const startedAt = performance.now();
  await learnOrders(sql, shop.storeId, fresh);
  const learnt = Math.round((fresh.length * 1_000) / (performance.now() - startedAt));
  return [
    {
      name: `recommendations with ${lines} order lines, 4 clients, each product once`,
      ...figures,
      target: "p95 under 150 ms; under 10 is the aim",
      ok: figures.p95Ms! < 10,
    },
    { name: "orders of four products that one job learns", perSecond: learnt },
  ];
}
