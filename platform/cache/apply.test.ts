/** Processes with a Redis that goes away during a write and comes back with what it had; and what keepers do about it. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { silentLog } from "../log.ts";
import { createMetrics } from "../metrics.ts";
import { openRedis } from "../redis/index.ts";
import {
  type Door,
  type FreshDatabase,
  freshDatabase,
  openDoor,
  testServers,
  until,
} from "../testing/index.ts";
import { applyChanges, noChannel, openCache, openRedisLayer } from "./index.ts";

setDefaultTimeout(60_000);
const family = { name: "test", freshMs: 60_000, staleMs: 0, errorMs: 0 };

let database: FreshDatabase;
/** Between all processes and Redis. */
let door: Door;
let redisUrl: string;
let token: string;
/** Redis is shared by tests: keys of one's own. */
let own: string;
const stops: (() => void)[] = [];

beforeEach(async () => {
  database = await freshDatabase();
  const servers = await testServers();
  const url = new URL(servers.redisUrl);
  door = openDoor(new URL(url));
  url.port = String(door.port);
  [redisUrl, token, own] = [url.href.replace(/\/$/, ""), servers.redisToken, crypto.randomUUID()];
});
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  door.shut();
  await database.drop();
});

const redis = () => openRedis({ url: redisUrl, token, timeoutMs: 2_000, log: silentLog });
const prefix = () => `test-${own}`;
const layer = () => openRedisLayer(redis(), prefix());

async function process() {
  const metrics = createMetrics("test");
  const one = openCache<string>({
    ...{
      sql: database.sql,
      metrics,
      log: silentLog,
      redis: redis(),
      redisPrefix: prefix(),
      maxBytes: 1_000_000,
    },
    pack: text => text,
    isOutage: () => false,
  });
  stops.push(() => one.stop());
  await one.ready;
  const get = async (key: string, value: string, tag: string) => {
    const load = async () => ({ text: value, tags: [tag] });
    const { slot, outcome } = await one.cache.get({ key, family, load });
    return `${outcome} ${slot.value}`;
  };
  return { ...one, get, metrics };
}

const keeper = () => applyChanges({ sql: database.sql, shared: layer(), channel: noChannel });
const open = async () => {
  const rows = await database.sql<{ tags: string[] }[]>`
    SELECT tags FROM platform.cache_change WHERE applied_at IS NULL ORDER BY id`;
  return rows.map(row => row.tags.join());
};
const change = (tags: string[], trace: string | null = null) =>
  database.sql`SELECT platform.invalidate(${tags}, false, ${trace})`;

test("a Redis that was away during a write gives nothing older when it is back, before and after a keeper has been there", async () => {
  const [writer, other] = [await process(), await process()];
  const [key, tag] = [`k:${own}`, `product:${own}`];
  await writer.get(key, "old", tag);
  // Redis has it: a process that has nothing gets it from there.
  await until(async () => (await other.get(key, "wrong", tag)) === "hit old");
  door.shut();
  await change([tag], "trace");
  await writer.settle("trace");
  expect(await writer.get(key, "new", tag)).toBe("miss new");
  expect(await open()).toEqual([tag]);
  expect(await keeper()).toBe(0);
  door.open();
  const late = await process();
  expect(await late.get(key, "new", tag)).toBe("miss new");
  await until(async () => (await keeper()) > 0 || (await open()).length === 0);
  const last = await process();
  expect(await last.get(key, "new", tag)).not.toContain("old");
});

test("more changes than are worth following while Redis is away become one of everything, and all that it has is old then", async () => {
  const before = await process();
  const key = `k:${own}`;
  await before.get(key, "old", "product:0");
  await until(async () => (await (await process()).get(key, "wrong", "product:0")) === "hit old");
  door.shut();
  await database.sql`
    INSERT INTO platform.cache_change (tags, soon)
    SELECT ARRAY['product:' || n], false FROM generate_series(1, 5001) n`;
  await until(async () => (await keeper()) === 0 && (await open()).length === 1);
  expect(await open()).toEqual(["*"]);
  door.open();
  const late = await process();
  // Nothing in Redis is believed, changed or not, until its epoch is another one.
  expect(await late.get(key, "new", "product:0")).toBe("miss new");
  await until(async () => (await keeper()) === 1);
  expect(await open()).toEqual([]);
  expect((await layer().look(key)).found).toBeNull();
});

test("what is made old before anybody has read it again is counted as thrash", async () => {
  const one = await process();
  await one.get("k:read", "a", "product:1");
  await one.get("k:read", "a", "product:1");
  await one.get("k:unread", "b", "product:2");
  await change(["product:1", "product:2"], "trace");
  await one.settle("trace");
  const text = await one.metrics.registry.metrics();
  const dropped = [...text.matchAll(/^tradewind_cache_dropped_total\{([^}]*)\} (\d+)/gm)].map(
    ([, labels, count]) => `${/unread="(\w+)"/.exec(labels!)![1]} ${count}`,
  );
  expect(dropped.toSorted()).toEqual(["false 1", "true 1"]);
});
