/**
 * Three nodes that read from a replica, asked and written to at random: an ordinary one; one that keeps nothing in memory, so
 * that all it makes is in Redis alone; one that does not reach Redis either, so that every read is one of the replica. Meanwhile replay
 * stops and goes on, the replica hangs, and Redis is wiped while it lags.
 */
import { afterAll, beforeAll, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "@upstash/redis";
import { startRedis } from "../../cluster/servers/index.ts";
import { type RedisRest, serveRedisRest } from "../../redis-rest/index.ts";
import { type Replicated, replicated } from "../replicated.fixture.ts";
import { deafNode, type Node, nodeOf, turmoil } from "./staleness.fixture.ts";

const RUN_MS = 3_000;
const token = "t";

let dir: string;
let server: Awaited<ReturnType<typeof startRedis>>;
let front: RedisRest;
let world: Replicated;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "tradewind-staleness-"));
  const context = { dataDir: join(dir, "redis"), logDir: join(dir, "logs"), binDir: dir, throwAway: true };
  server = await startRedis(context, { secret: "staleness" });
  front = serveRedisRest({ redisUrl: server.url, token, port: 0 });
  world = await replicated({ redisUrl: front.url, redisToken: token, redisTimeoutMs: 50 });
}, 120_000);

afterAll(async () => {
  await world.close();
  await front.stop();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

async function plague(_: number, isOver: () => boolean): Promise<void> {
  const redis = new Redis({ url: front.url, token, retry: { retries: 0 }, enableTelemetry: false });
  for (let round = 0; !isOver(); round++) {
    await Bun.sleep(100 + Math.random() * 400);
    await world.pause();
    await Bun.sleep(Math.random() * 500);
    if (round % 2 === 0) await redis.flushall();
    await Bun.sleep(Math.random() * 200);
    await world.resume();
    if (round !== 3) continue;
    world.door.freeze();
    await Bun.sleep(300);
    world.door.thaw();
  }
}

/** Whether such reads for the cache ended in each of these ways, as far as is known. */
function watched({ deps }: Node, outcomes: readonly string[]) {
  const metric = deps.metrics.registry.getSingleMetric("tradewind_replica_reads_total")!;
  const missing = new Set(outcomes);
  return () => {
    void metric.get().then(({ values }) => {
      for (const { labels } of values) if (labels.kind === "kept") missing.delete(String(labels.outcome));
    });
    return missing.size === 0;
  };
}

test("nothing is read that was replaced a second ago, or on the same node, though the replica lags", async () => {
  const { api } = world;
  await world.untilState("near");
  const noMemory = deafNode(api, { cacheMb: 0 });
  const nothing = deafNode(api, { cacheMb: 0, redisUrl: "http://127.0.0.1:1" });
  const seen = [watched(noMemory, ["replica"]), watched(nothing, ["replica", "overtaken"])];
  await turmoil({
    ...{ api, runMs: RUN_MS, redis: { url: front.url, token }, plague },
    nodes: [nodeOf(api.deps, api.app), noMemory, nothing],
    isEnough: () => seen.every(one => one()),
  });
  for (const node of [noMemory, nothing]) await node.stop();
}, 120_000);
