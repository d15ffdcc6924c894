/**
 * For tests: nodes on one database, written to and asked at random. Nobody may read what was replaced more than a second ago, and
 * nobody what was replaced on the very node that is asked.
 */
import { expect } from "bun:test";
import { natsInvalidations, openBus } from "../../../bus/index.ts";
import { applyChanges, openRedisLayer } from "../../../platform/cache/index.ts";
import type { Config } from "../../../platform/config.ts";
import { silentLog } from "../../../platform/log.ts";
import { createMetrics } from "../../../platform/metrics.ts";
import { openRedis } from "../../../platform/redis/index.ts";
import { until } from "../../../platform/testing/index.ts";
import { createApp } from "../app.ts";
import { hotAnswersOf } from "../http/hot-answers.ts";
import { replicasOf } from "../http/per-node.ts";
import type { TestApi } from "../testing.ts";
import { cacheOf } from "./index.ts";

const PRODUCTS = 4;
const BOUND_MS = 1_000;
const READERS = 6;
/** Now and then nobody writes a product for so long: what became wrong is seen only if nothing makes it right. */
const REST_MS = 1_800;
/** On a machine that does other things too, the rounds go on until these are done. */
const LEAST_READS = 300;
const LEAST_WRITES = 6;

export type Node = {
  readonly deps: TestApi["deps"];
  fetch(request: Request): Response | Promise<Response>;
  stop(): Promise<void>;
};

/** Answers as the server does (main.ts). */
export function nodeOf(
  deps: TestApi["deps"],
  app: ReturnType<typeof createApp>,
  stop = async () => {},
): Node {
  const hot = hotAnswersOf(deps);
  return { deps, fetch: request => hot.answer(request) ?? app.fetch(request), stop };
}

/** One more node, to which no message comes. */
export function deafNode(api: TestApi, config: Partial<Config> = {}): Node {
  const metrics = createMetrics("deaf");
  const bus = openBus({ url: "nats://127.0.0.1:1", name: "deaf", log: silentLog, sql: api.sql });
  const deps = { ...api.deps, metrics, bus, config: { ...api.deps.config, ...config } };
  return nodeOf(deps, createApp(deps), async () => {
    cacheOf(deps).stop();
    replicasOf(deps)?.stop();
    await bus.close();
  });
}

export type Shown = { title: string; variants: { available: number; price: { amountMinor: number } }[] };
/** What is read of a product, each a number that only rises. */
const facts = {
  title: (shown: Shown) => Number(shown.title.split(" ").at(-1)),
  stock: (shown: Shown) => shown.variants[0]!.available,
};
type Fact = keyof typeof facts;
/** A change that was answered. */
type Write = { fact: Fact; value: number; node: number; atMs: number };
type Product = { id: string; variantId: string; writes: Write[]; title: number; stock: number };

export function call(
  node: Node,
  method: string,
  path: string,
  key: string,
  json?: object,
): Promise<Response> {
  const headers: Record<string, string> = key.startsWith("pk_")
    ? { "x-publishable-key": key }
    : { authorization: `Bearer ${key}`, "if-match": "*", "content-type": "application/json" };
  const body = json === undefined ? null : JSON.stringify(json);
  return Promise.resolve(node.fetch(new Request(`http://localhost${path}`, { method, headers, body })));
}

export async function make(api: TestApi, n: number): Promise<Product> {
  const json = { title: `Mug ${n} 0`, status: "active", variants: [{ price: { amountMinor: 1_000 } }] };
  const answer = await api.request("POST", "/admin/products", { key: api.keys.secret, json });
  const { id, variants } = (await answer.json()) as { id: string; variants: { id: string }[] };
  return { id, variantId: variants[0]!.id, writes: [], title: 0, stock: 0 };
}

async function write(
  api: TestApi,
  nodes: readonly Node[],
  product: Product,
  pick: () => number,
): Promise<void> {
  const node = Math.floor(pick() * nodes.length);
  const fact: Fact = pick() < 0.6 ? "title" : "stock";
  const value = ++product[fact];
  const answer =
    fact === "title"
      ? await call(nodes[node]!, "PATCH", `/admin/products/${product.id}`, api.keys.secret, {
          title: `Mug ${value}`,
        })
      : await call(nodes[node]!, "POST", "/admin/inventory/adjustments", api.keys.secret, {
          variantId: product.variantId,
          delta: 1,
          reason: "test",
        });
  expect([fact, answer.status < 300]).toEqual([fact, true]);
  await answer.body?.cancel();
  product.writes.push({ fact, value, node, atMs: performance.now() });
}

/** What is wrong with what this node shows of the product. */
async function read(
  api: TestApi,
  nodes: readonly Node[],
  product: Product,
  pick: () => number,
): Promise<string[]> {
  const node = Math.floor(pick() * nodes.length);
  const startedMs = performance.now();
  const answer = await call(nodes[node]!, "GET", `/store/products/${product.id}`, api.keys.publishable);
  if (answer.status !== 200) return [`answered ${answer.status}`];
  const shown = (await answer.json()) as Shown;
  return product.writes
    .filter(one => facts[one.fact](shown) < one.value)
    .filter(one => one.atMs < startedMs - (one.node === node ? 0 : BOUND_MS))
    .map(
      one =>
        `node ${node} shows ${one.fact} ${facts[one.fact](shown)} (${answer.headers.get("x-cache")}), ${Math.round(startedMs - one.atMs)} ms after node ${one.node} was told ${one.value}`,
    );
}

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Turmoil = {
  readonly api: TestApi;
  readonly nodes: readonly Node[];
  readonly runMs: number;
  /** Of the Redis that the nodes share. */
  readonly redis: { url: string; token: string };
  /** What befalls them meanwhile; takes about as long as it is told. */
  readonly plague: (runMs: number, isOver: () => boolean) => Promise<void>;
  /** Whether that befell them which is looked for; the run goes on until then. */
  readonly isEnough?: () => boolean;
};

/** @throws when something was read that was too old, with the seed of what was done in which order. */
export async function turmoil(run: Turmoil): Promise<void> {
  const { api, nodes, runMs, redis, plague, isEnough = () => true } = run;
  const seed = Math.floor(Math.random() * 1e9);
  const pick = randomOf(seed);
  const products = await Promise.all(Array.from({ length: PRODUCTS }, (_, n) => make(api, n)));
  const shared = openRedisLayer(openRedis({ ...redis, timeoutMs: 50, log: silentLog }));
  const keeper = { sql: api.sql, shared, channel: natsInvalidations(api.bus.connection) };
  const endMs = performance.now() + runMs;
  const faults: string[] = [];
  let reads = 0;
  const isOver = () =>
    performance.now() > endMs &&
    isEnough() &&
    reads > LEAST_READS &&
    products.every(one => one.writes.length >= LEAST_WRITES);
  const loop = async (everyMs: number, step: () => Promise<unknown>, pauseMs = everyMs) => {
    while (!isOver()) {
      await step();
      await Bun.sleep(pick() < 0.8 ? pick() * everyMs : pauseMs);
    }
  };
  const some = () => products[Math.floor(pick() * PRODUCTS)]!;
  await Promise.all([
    plague(runMs, isOver),
    loop(300, () => applyChanges(keeper)),
    ...products.map(product => loop(150, () => write(api, nodes, product, pick), REST_MS)),
    ...Array.from({ length: READERS }, () =>
      loop(4, async () => {
        reads++;
        faults.push(...(await read(api, nodes, some(), pick)));
      }),
    ),
  ]);
  expect({ seed, faults: faults.slice(0, 5) }).toEqual({ seed, faults: [] });
  await until(
    async () => {
      await applyChanges(keeper);
      const [row] =
        await api.sql`SELECT count(*)::int AS open FROM platform.cache_change WHERE applied_at IS NULL`;
      return row!.open === 0;
    },
    { timeoutMs: 60_000 },
  );
}
