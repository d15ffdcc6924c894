import { expect, test } from "bun:test";
import { silentLog } from "../log.ts";
import { testServers } from "../testing/index.ts";
import { openRedis, unreached } from "./index.ts";

const key = () => `redis-test:${crypto.randomUUID()}`;

async function open(url?: string) {
  const servers = await testServers();
  return openRedis({
    url: url ?? servers.redisUrl,
    token: servers.redisToken,
    timeoutMs: 2_000,
    log: silentLog,
  });
}

test("what one writes another reads", async () => {
  const [one, two] = [await open(), await open()];
  const name = key();
  expect(await one.attempt(redis => redis.set(name, { a: 1 }, { px: 5_000 }))).toBe("OK");
  expect(await two.attempt(redis => redis.get<object>(name))).toEqual({ a: 1 });
  expect(await two.attempt(redis => redis.get(key()))).toBeNull();
});

test("without a Redis nothing is asked", async () => {
  let asked = 0;
  const none = openRedis({ url: undefined, timeoutMs: 50, log: silentLog });
  expect(await none.attempt(async () => asked++)).toBe(unreached);
  expect(asked).toBe(0);
});

test("a dead Redis is left alone after three failures, and asked again later", async () => {
  const dead = openRedis({ url: "http://127.0.0.1:1", timeoutMs: 200, log: silentLog });
  let asked = 0;
  const ask = () =>
    dead.attempt(redis => {
      asked++;
      return redis.get("x");
    });
  for (let i = 0; i < 20; i++) expect(await ask()).toBe(unreached);
  expect(asked).toBe(3);
  await Bun.sleep(1_050);
  await ask();
  expect(asked).toBe(4);
});

test("a Redis that never answers costs its time-out and no more", async () => {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Promise<Response>(() => {}) });
  const mute = openRedis({ url: server.url.origin, timeoutMs: 60, log: silentLog });
  const started = performance.now();
  expect(await mute.attempt(redis => redis.get("x"))).toBe(unreached);
  expect(performance.now() - started).toBeLessThan(1_000);
  await server.stop(true);
});
