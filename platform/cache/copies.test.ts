/** What may be kept of what a replica shows; the replica's age and what it shows are the test's to say. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { silentLog } from "../log.ts";
import { createMetrics } from "../metrics.ts";
import type { Db } from "../postgres/index.ts";
import { openRedis, type SharedRedis } from "../redis/index.ts";
import type { Moment, Near } from "../replicas/index.ts";
import { testServers } from "../testing/index.ts";
import { Cache, type Loaded } from "./cache.ts";
import { openCopies } from "./copies.ts";
import { Memory } from "./memory.ts";
import { createCacheMetrics } from "./metrics.ts";
import { openRedisLayer } from "./redis.ts";
import { Turns } from "./turns.ts";

const family = { name: "test", freshMs: 60_000, staleMs: 30_000, errorMs: 60_000 };
const follower = { trustedUntil: Number.POSITIVE_INFINITY, distrusts: () => false };
let redis: SharedRedis;
const prefixes: string[] = [];

beforeAll(async () => {
  const { redisUrl, redisToken } = await testServers();
  redis = openRedis({ url: redisUrl, token: redisToken, timeoutMs: 5_000, log: silentLog });
});
afterAll(async () => {
  for (const prefix of prefixes) await wipe(prefix);
});

const wipe = (prefix: string) =>
  redis.attempt(async client => {
    const keys = await client.keys(`${prefix}:*`);
    if (keys.length > 0) await client.del(...keys);
  });

/** The last moment that the replica has reached is the one that `reach` was called at. */
function laggingReplica() {
  let task = async (_: Moment) => {};
  let moment: Moment | null = null;
  const counts: Record<string, number> = {};
  const near = (): Near | null =>
    moment && { moment, read: async work => work("the replica" as unknown as Db) };
  return {
    counts,
    beforeMoments(one: typeof task) {
      task = one;
    },
    nearest: near,
    count(_: string, outcome: string) {
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    },
    async reach() {
      const reached = { atMs: performance.now(), position: 0 };
      await task(reached);
      moment = reached;
    },
  };
}

const nothing = { entries: 0, bytes: 0, isStorm: false, waiting: 0 };

/** A process with a replica, beside others on the same Redis. */
function processOn(prefix: string) {
  const metrics = createCacheMetrics(createMetrics("test"), () => nothing);
  const memory = new Memory<string>({ maxBytes: 1_000_000, maxEntries: 100, pack: text => text });
  const shared = openRedisLayer(redis, prefix);
  const replica = laggingReplica();
  const copies = openCopies({ replicas: replica, memory, shared, follower });
  const turns = new Turns(100);
  const cache = new Cache<string>({
    memory,
    shared,
    follower,
    metrics,
    copies,
    turns,
    isOutage: () => false,
  });
  const asked: string[] = [];
  /** `tags` of what it is made of; what is shown says where it was read. */
  const get = async (key: string, ...tags: string[]) => {
    const load = async (from: Db | null): Promise<Loaded> => {
      asked.push(from === null ? "primary" : "replica");
      return { text: asked.at(-1)!, tags };
    };
    return (await cache.get({ key, family, load })).slot.value;
  };
  return { memory, shared, replica, cache, get, asked };
}

function world() {
  const prefix = `test-${crypto.randomUUID()}`;
  prefixes.push(prefix);
  return { prefix, one: processOn(prefix), other: processOn(prefix) };
}

/** What is written is written behind the answer, one after the other in this order. */
async function inShared({ shared }: ReturnType<typeof processOn>, key: string): Promise<string | null> {
  for (let i = 0; i < 500; i++) {
    const { found, fence, lead } = await shared.look(key);
    if (found) return found.entry.text;
    // Who made it has let go of it, written or not.
    if (lead) {
      await shared.release(key, fence!);
      return null;
    }
    await Bun.sleep(5);
  }
  throw new Error("nobody let go of it");
}

test("what nobody has changed since its moment is read from the replica, and kept by all", async () => {
  const { one, other } = world();
  await one.replica.reach();
  one.memory.drop(["y"]);
  await other.shared.invalidate(["y"]);
  expect(await one.get("k:a", "x")).toBe("replica");
  expect(await one.get("k:a", "x")).toBe("replica");
  expect(await inShared(one, "k:a")).toBe("replica");
  expect(await other.get("k:a", "x")).toBe("replica");
  expect([one.asked, other.asked]).toEqual([["replica"], []]);
});

test("what was changed since is read from the primary, for who asks and for all", async () => {
  const { one } = world();
  await one.replica.reach();
  one.memory.drop(["x"]);
  expect(await one.get("k:a", "x")).toBe("primary");
  expect(await one.get("k:a", "x")).toBe("primary");
  expect(one.replica.counts).toEqual({ overtaken: 1 });
  expect(await inShared(one, "k:a")).toBe("primary");
});

test("what another process changed since, and this one has not heard of, it keeps for itself", async () => {
  const { one, other } = world();
  await one.replica.reach();
  await other.shared.invalidate(["x"]);
  expect(await one.get("k:a", "x")).toBe("replica");
  expect(await inShared(one, "k:a")).toBeNull();
  expect(await other.get("k:a", "x")).toBe("primary");
  // It hears of it.
  one.memory.drop(["x"]);
  expect(await one.get("k:a", "x")).toBe("primary");
});

test("with a shared layer that was wiped since, it keeps it for itself", async () => {
  const { prefix, one, other } = world();
  await one.replica.reach();
  await other.shared.invalidate(["x"]);
  await wipe(prefix);
  expect(await one.get("k:a", "x")).toBe("replica");
  expect(await inShared(one, "k:a")).toBeNull();
  // From the next moment on it is as ever.
  await one.replica.reach();
  expect(await one.get("k:b", "x")).toBe("replica");
  expect(await inShared(one, "k:b")).toBe("replica");
});

test("a replica is not asked for an entry that was dropped since its moment, nor before it has reached any", async () => {
  const { one } = world();
  expect(await one.get("k:a", "x")).toBe("primary");
  await one.replica.reach();
  one.memory.drop(["x"]);
  await one.shared.invalidate(["x"]);
  expect(await one.get("k:a", "x")).toBe("primary");
  expect(one.replica.counts).toEqual({ primary: 2 });
  await one.replica.reach();
  one.memory.clear();
  expect(await one.get("k:b", "x")).toBe("primary");
});

test("what is changed while the replica is read is read again from the primary", async () => {
  const { one } = world();
  await one.replica.reach();
  const load = async (from: Db | null): Promise<Loaded> => {
    if (from !== null) one.memory.drop(["x"]);
    return { text: from === null ? "new" : "old", tags: ["x"] };
  };
  expect((await one.cache.get({ key: "k:a", family, load })).slot.value).toBe("new");
  expect(one.replica.counts).toEqual({ overtaken: 1 });
});

test("whatever goes wrong with the replica, not found included, the primary has the word", async () => {
  const { one } = world();
  await one.replica.reach();
  const load = async (from: Db | null): Promise<Loaded> => {
    if (from !== null) throw new Error("not there");
    return { text: "there", tags: ["x"] };
  };
  expect((await one.cache.get({ key: "k:a", family, load })).slot.value).toBe("there");
  expect(one.replica.counts).toEqual({ failed: 1 });
});
