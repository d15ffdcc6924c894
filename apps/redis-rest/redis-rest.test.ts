import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "@upstash/redis";
import { testServers, until } from "../../platform/testing/index.ts";
import { startRedis } from "../cluster/servers/index.ts";
import { serveRedisRest } from "./index.ts";

let redis: Redis;
let base: { url: string; token: string };
const prefix = `rest-${crypto.randomUUID()}`;
const key = (name: string) => `${prefix}:${name}`;

beforeAll(async () => {
  const { redisUrl, redisToken } = await testServers();
  base = { url: redisUrl, token: redisToken };
  redis = new Redis({ ...base, retry: { retries: 0 }, enableTelemetry: false });
});

afterAll(async () => {
  const keys = await redis.keys(`${prefix}:*`);
  if (keys.length > 0) await redis.del(...keys);
});

test("the real client reads back what it wrote: text, objects, umlauts, nothing", async () => {
  await redis.set(key("text"), "Größe ✓", { ex: 60 });
  await redis.set(key("object"), { price: 1200, tags: ["a"] });
  expect(await redis.get<string>(key("text"))).toBe("Größe ✓");
  expect(await redis.get<object>(key("object"))).toEqual({ price: 1200, tags: ["a"] });
  expect(await redis.get(key("absent"))).toBeNull();
  expect(await redis.mget(key("text"), key("absent"))).toEqual(["Größe ✓", null]);
});

test("hashes, sorted sets and scripts have the shapes that the client wants", async () => {
  await redis.hset(key("hash"), { a: 1, b: "two" });
  expect(await redis.hgetall(key("hash"))).toEqual({ a: 1, b: "two" });
  await redis.zadd(key("zset"), { score: 1.5, member: "m" });
  expect(await redis.zscore(key("zset"), "m")).toBe(1.5);
  expect(await redis.zrange(key("zset"), 0, -1, { withScores: true })).toEqual(["m", 1.5]);
  expect(await redis.eval("return {KEYS[1], ARGV[1]}", ["k"], ["v"])).toEqual(["k", "v"]);
});

test("a pipeline gives each command its own result", async () => {
  const results = await redis.pipeline().set(key("p"), 1).incr(key("p")).get(key("p")).exec();
  expect(results).toEqual(["OK", 2, 2]);
});

test("an error in a pipeline stands in its place and arrives readable", async () => {
  await redis.set(key("word"), "abc");
  const pipeline = redis.pipeline().incr(key("word")).get(key("word"));
  const [failed, read] = await pipeline.exec({ keepErrors: true });
  expect(failed!.error).toContain("not an integer");
  expect(read!.result as unknown).toBe("abc");
});

test("transactions of many clients at once do not mix", async () => {
  const swap = (n: number) => redis.multi().set(key("own"), n).get(key("own")).exec();
  const results = await Promise.all(Array.from({ length: 50 }, (_, n) => swap(n)));
  expect(results).toEqual(results.map((_, n) => ["OK", n]));
});

test("auto-pipelining and sessions of single commands agree", async () => {
  const counts = await Promise.all(Array.from({ length: 50 }, () => redis.incr(key("count"))));
  expect(new Set(counts).size).toBe(50);
});

test("a wrong command is an error and no crash", async () => {
  expect(redis.incrby(key("text2"), "x" as never)).rejects.toThrow(/not an integer/);
  await redis.set(key("after"), "alive");
  expect(await redis.get<string>(key("after"))).toBe("alive");
});

const post = (path: string, body: string, token = base.token) =>
  fetch(base.url + path, { method: "POST", body, headers: { authorization: `Bearer ${token}` } });

test("every path wants the token", async () => {
  for (const path of ["/", "/pipeline", "/multi-exec"]) {
    expect((await post(path, '["PING"]', "wrong")).status).toBe(401);
  }
});

test("malformed bodies and commands that would take the connection are refused", async () => {
  for (const body of ["", "{", "[]", "{}", "[[1]]", '["GET", {}]']) {
    expect((await post("/", body)).status).toBe(400);
  }
  expect((await post("/pipeline", '["PING"]')).status).toBe(400);
  expect((await post("/", '["SUBSCRIBE","x"]')).status).toBe(400);
  expect((await post("/multi-exec", '[["SET","a","1"],["DISCARD"]]')).status).toBe(400);
});

test("while Redis is away commands fail at once, and they are served again when it is back", async () => {
  const dir = await mkdtemp(join(tmpdir(), "tradewind-redis-"));
  const context = { dataDir: join(dir, "redis"), logDir: dir, binDir: dir, throwAway: true };
  const start = (port?: number) => startRedis({ ...context, port }, { secret: "front" });
  let server = await start();
  const front = serveRedisRest({ redisUrl: server.url, token: "t", port: 0 });
  const ping = async () => {
    const init = { method: "POST", body: '["PING"]', headers: { authorization: "Bearer t" } };
    return (await fetch(front.url, { ...init, signal: AbortSignal.timeout(500) })).status;
  };
  try {
    await until(async () => (await ping()) === 200, { what: "the front" });
    process.kill(server.pid, "SIGKILL");
    await until(async () => (await ping()) === 400, { what: "an error" });
    const statuses = await Promise.all(Array.from({ length: 50 }, ping));
    expect(new Set(statuses)).toEqual(new Set([400]));
    server = await start(server.port);
    await until(async () => (await ping()) === 200, { what: "the front" });
  } finally {
    await front.stop();
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  }
});

test("a Redis that is still loading when it is asked for the first time, or ends the connection then, is served when it is ready", async () => {
  let mode: "loading" | "closing" | "ready" = "loading";
  const LOADING = "-LOADING Redis is loading the dataset in memory\r\n";
  const answers: Record<string, string> = { HELLO: "%1\r\n+server\r\n+redis\r\n", PING: "+PONG\r\n" };
  const redis = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, bytes) {
        if (mode === "closing") return void socket.end();
        for (const [name] of bytes.toString().matchAll(/HELLO|PING/g))
          socket.write(mode === "ready" ? answers[name]! : LOADING);
      },
    },
  });
  const front = serveRedisRest({ redisUrl: `redis://127.0.0.1:${redis.port}`, token: "t", port: 0 });
  const ping = async () => {
    const init = { method: "POST", body: '["PING"]', headers: { authorization: "Bearer t" } };
    return (await fetch(front.url, init)).status;
  };
  try {
    for (const next of ["closing", "ready"] as const) {
      expect(await ping()).toBe(400);
      mode = next;
    }
    await until(async () => (await ping()) === 200, { what: "the front" });
  } finally {
    await front.stop();
    redis.stop(true);
  }
});
