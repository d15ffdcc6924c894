/**
 * Two nodes on one database and one Redis, asked and written to at random, for some seconds. Meanwhile Redis is wiped, goes away
 * and comes back; one node hears nothing over NATS; statements are held up between two reads of one answer; a sale opens.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "@upstash/redis";
import { until } from "../../../platform/testing/index.ts";
import { startRedis } from "../../cluster/servers/index.ts";
import { type RedisRest, serveRedisRest } from "../../redis-rest/index.ts";
import { type TestApi, testApi } from "../testing.ts";
import { call, deafNode, make, nodeOf, type Shown, turmoil } from "./staleness.fixture.ts";

const RUN_MS = 5_000;

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
}, 120_000);

afterAll(async () => {
  await api.close();
  await front.stop();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Between the first read of an answer and its last one. */
async function holdUp(ms: number): Promise<void> {
  await api.sql.begin(async tx => {
    await tx`LOCK TABLE inventory.level IN ACCESS EXCLUSIVE MODE`;
    await Bun.sleep(ms);
  });
}

async function plague(runMs: number): Promise<void> {
  const { port } = front;
  const redis = new Redis({ url: front.url, token, retry: { retries: 0 }, enableTelemetry: false });
  await Bun.sleep(runMs * 0.15);
  await holdUp(200);
  await redis.flushall();
  await Bun.sleep(runMs * 0.15);
  await front.stop();
  await Bun.sleep(runMs * 0.25);
  front = serveRedisRest({ redisUrl: server.url, token, port });
  await holdUp(200);
  await redis.flushall().catch(() => {});
}

test("nothing is read that was replaced a second ago, or on the same node", async () => {
  const deaf = deafNode(api);
  const nodes = [nodeOf(api.deps, api.app), deaf];
  await turmoil({ api, nodes, runMs: RUN_MS, redis: { url: front.url, token }, plague });
  await deaf.stop();
}, 120_000);

test("a sale that opens by the clock is seen when it opens, though nobody writes anything", async () => {
  const node = nodeOf(api.deps, api.app);
  const product = await make(api, 9);
  const price = async () => {
    const answer = await call(node, "GET", `/store/products/${product.id}`, api.keys.publishable);
    return ((await answer.json()) as Shown).variants[0]!.price.amountMinor;
  };
  await until(async () => (await price()) === 1_000);
  // Far enough that the list is there before it opens, on a busy machine too.
  const opensAt = Date.now() + 3_000;
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
  expect(before).toBeGreaterThan(3);
  await Bun.sleep(opensAt + 20 - Date.now());
  expect(await price()).toBe(700);
});
