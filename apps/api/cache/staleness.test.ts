/**
 * Two nodes on one database and one Redis, asked and written to at random, for some seconds: nobody reads what was replaced
 * more than a second ago, and nobody what was replaced on the very node that is asked. Meanwhile Redis is wiped, goes away and
 * comes back; one node hears nothing over NATS; statements are held up between two reads of one answer; a sale opens.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "@upstash/redis";
import { natsInvalidations, openBus } from "../../../bus/index.ts";
import { applyChanges, openRedisLayer } from "../../../platform/cache/index.ts";
import { silentLog } from "../../../platform/log.ts";
import { createMetrics } from "../../../platform/metrics.ts";
import { openRedis } from "../../../platform/redis/index.ts";
import { until } from "../../../platform/testing/index.ts";
import { startRedis } from "../../cluster/servers/index.ts";
import { type RedisRest, serveRedisRest } from "../../redis-rest/index.ts";
import { createApp } from "../app.ts";
import { hotAnswersOf } from "../http/hot-answers.ts";
import { type TestApi, testApi } from "../testing.ts";
import { cacheOf } from "./index.ts";

const PRODUCTS = 4;
const RUN_MS = 5_000;
const BOUND_MS = 1_000;
const READERS = 6;

let dir: string;
let server: Awaited<ReturnType<typeof startRedis>>;
let front: RedisRest;
let api: TestApi;
const token = "t";

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "tradewind-staleness-"));
  const context = { dataDir: join(dir, "redis"), logDir: join(dir, "logs"), binDir: dir, throwAway: true };
  server = await startRedis(context, { secret: "staleness" });
  front = serveRedisRest({ redisUrl: server.url, token, port: 0 });
  api = await testApi({ nats: true, config: { redisUrl: front.url, redisToken: token, redisTimeoutMs: 50 } });
}, 30_000);

afterAll(async () => {
  await api.close();
  await front.stop();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

type Node = { fetch(request: Request): Response | Promise<Response>; stop(): Promise<void> };

/** Answers as the server does (main.ts). */
function nodeOf(deps: TestApi["deps"], app: ReturnType<typeof createApp>, stop = async () => {}): Node {
  const hot = hotAnswersOf(deps);
  return { fetch: request => hot.answer(request) ?? app.fetch(request), stop };
}

/** One more node, to which no message comes. */
function deafNode(): Node {
  const metrics = createMetrics("deaf");
  const bus = openBus({ url: "nats://127.0.0.1:1", name: "deaf", log: silentLog, sql: api.sql });
  const deps = { ...api.deps, metrics, bus };
  return nodeOf(deps, createApp(deps), async () => {
    cacheOf(deps).stop();
    await bus.close();
  });
}

type Shown = { title: string; variants: { available: number; price: { amountMinor: number } }[] };
/** What is read of a product, each a number that only rises. */
const facts = {
  title: (shown: Shown) => Number(shown.title.split(" ").at(-1)),
  stock: (shown: Shown) => shown.variants[0]!.available,
};
type Fact = keyof typeof facts;
/** A change that was answered. */
type Write = { fact: Fact; value: number; node: number; atMs: number };
type Product = { id: string; variantId: string; writes: Write[]; title: number; stock: number };

function call(node: Node, method: string, path: string, key: string, json?: object): Promise<Response> {
  const headers: Record<string, string> = key.startsWith("pk_")
    ? { "x-publishable-key": key }
    : { authorization: `Bearer ${key}`, "if-match": "*", "content-type": "application/json" };
  const body = json === undefined ? null : JSON.stringify(json);
  return Promise.resolve(node.fetch(new Request(`http://localhost${path}`, { method, headers, body })));
}

async function make(n: number): Promise<Product> {
  const json = { title: `Mug ${n} 0`, status: "active", variants: [{ price: { amountMinor: 1_000 } }] };
  const answer = await api.request("POST", "/admin/products", { key: api.keys.secret, json });
  const { id, variants } = (await answer.json()) as { id: string; variants: { id: string }[] };
  return { id, variantId: variants[0]!.id, writes: [], title: 0, stock: 0 };
}

async function write(nodes: Node[], product: Product, pick: () => number): Promise<void> {
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
async function read(nodes: Node[], product: Product, pick: () => number): Promise<string[]> {
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

/** Between the first read of an answer and its last one. */
async function holdUp(ms: number): Promise<void> {
  await api.sql.begin(async tx => {
    await tx`LOCK TABLE inventory.level IN ACCESS EXCLUSIVE MODE`;
    await Bun.sleep(ms);
  });
}

async function plague(): Promise<void> {
  const { port } = front;
  const redis = new Redis({ url: front.url, token, retry: { retries: 0 }, enableTelemetry: false });
  await Bun.sleep(RUN_MS * 0.15);
  await holdUp(200);
  await redis.flushall();
  await Bun.sleep(RUN_MS * 0.15);
  await front.stop();
  await Bun.sleep(RUN_MS * 0.25);
  front = serveRedisRest({ redisUrl: server.url, token, port });
  await holdUp(200);
  await redis.flushall().catch(() => {});
}

test("nothing is read that was replaced a second ago, or on the same node", async () => {
  const seed = Math.floor(Math.random() * 1e9);
  const pick = randomOf(seed);
  const nodes = [nodeOf(api.deps, api.app), deafNode()];
  const products = await Promise.all(Array.from({ length: PRODUCTS }, (_, n) => make(n)));
  const redis = openRedis({ url: front.url, token, timeoutMs: 50, log: silentLog });
  const keeper = {
    ...{ sql: api.sql, shared: openRedisLayer(redis) },
    channel: natsInvalidations(api.bus.connection),
  };
  const endMs = performance.now() + RUN_MS;
  const isOver = () => performance.now() > endMs;
  const faults: string[] = [];
  let reads = 0;
  const loop = async (everyMs: number, step: () => Promise<unknown>) => {
    while (!isOver()) {
      await step();
      await Bun.sleep(pick() * everyMs);
    }
  };
  const some = () => products[Math.floor(pick() * PRODUCTS)]!;
  await Promise.all([
    plague(),
    loop(300, () => applyChanges(keeper)),
    ...products.map(product => loop(150, () => write(nodes, product, pick))),
    ...Array.from({ length: READERS }, () =>
      loop(4, async () => {
        reads++;
        faults.push(...(await read(nodes, some(), pick)));
      }),
    ),
  ]);
  expect({ seed, faults: faults.slice(0, 5) }).toEqual({ seed, faults: [] });
  expect(reads).toBeGreaterThan(500);
  expect(products.every(one => one.writes.length > 5)).toBe(true);
  await until(async () => {
    await applyChanges(keeper);
    const [row] =
      await api.sql`SELECT count(*)::int AS open FROM platform.cache_change WHERE applied_at IS NULL`;
    return row!.open === 0;
  });
  await nodes[1]!.stop();
}, 30_000);

test("a sale that opens by the clock is seen when it opens, though nobody writes anything", async () => {
  const node = nodeOf(api.deps, api.app);
  const product = await make(9);
  const price = async () => {
    const answer = await call(node, "GET", `/store/products/${product.id}`, api.keys.publishable);
    return ((await answer.json()) as Shown).variants[0]!.price.amountMinor;
  };
  await until(async () => (await price()) === 1_000);
  const opensAt = Date.now() + 700;
  const list = {
    ...{ name: "Sale", type: "sale", status: "active", startsAt: new Date(opensAt).toISOString() },
    entries: [{ variantId: product.variantId, amountMinor: 700 }],
  };
  expect((await call(node, "POST", "/admin/price-lists", api.keys.secret, list)).status).toBe(201);
  let before = 0;
  while (Date.now() < opensAt - 100) {
    if ((await price()) === 1_000) before++;
    await Bun.sleep(5);
  }
  expect(before).toBeGreaterThan(10);
  await Bun.sleep(opensAt + 20 - Date.now());
  expect(await price()).toBe(700);
});
