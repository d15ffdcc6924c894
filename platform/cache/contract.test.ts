/** One contract for the memory alone, for the shared layer alone (a memory that keeps nothing), and for both together. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { silentLog } from "../log.ts";
import { createMetrics } from "../metrics.ts";
import { openRedis, type SharedRedis } from "../redis/index.ts";
import { testServers, until } from "../testing/index.ts";
import { Cache, type Family, type Loaded } from "./cache.ts";
import { Memory } from "./memory.ts";
import { createCacheMetrics } from "./metrics.ts";
import { openRedisLayer, type RedisLayer } from "./redis.ts";
import { Turns } from "./turns.ts";

const family: Family = { name: "test", freshMs: 60_000, staleMs: 30_000, errorMs: 60_000 };
const outage = new Error("the database is away");
let redis: SharedRedis;

beforeAll(async () => {
  const { redisUrl, redisToken } = await testServers();
  redis = openRedis({ url: redisUrl, token: redisToken, timeoutMs: 5_000, log: silentLog });
});

/** A process: its memory, before a layer that others may share. */
function processWith(
  shared: RedisLayer | null,
  options: { maxEntries?: number; trusted?: () => boolean; maxFills?: number; random?: () => number } = {},
) {
  let now = 0;
  const clock = () => performance.now() + now;
  const memory = new Memory<string>({
    maxBytes: 1_000_000,
    maxEntries: options.maxEntries ?? 100,
    pack: text => text,
    now: clock,
  });
  const metrics = createCacheMetrics(createMetrics("test"), () => ({
    ...{ ...memory.size, isStorm: false, waiting: 0 },
  }));
  const follower = {
    get trustedUntil() {
      return options.trusted?.() === false ? 0 : Number.POSITIVE_INFINITY;
    },
    distrusts: () => false,
  };
  const cache = new Cache<string>({
    ...{ memory, shared, follower, metrics, turns: new Turns(options.maxFills ?? 100) },
    isOutage: error => error === outage,
    random: options.random ?? (() => 0.5),
    now: clock,
  });
  const get = async (key: string, load: () => Promise<Loaded>, of = family) => {
    const { slot, outcome } = await cache.get({ key, family: of, load });
    return `${outcome} ${slot.value}`;
  };
  const invalidate = async (...tags: string[]) => {
    memory.drop(tags);
    await shared?.invalidate(tags);
  };
  return { cache, memory, get, invalidate, pass: (ms: number) => (now += ms) };
}

type Process = ReturnType<typeof processWith>;

const loads = (text: string, ...tags: string[]) => {
  const load = async (): Promise<Loaded> => {
    load.count++;
    return { text: `${text}${load.count}`, tags };
  };
  load.count = 0;
  return load;
};

/** What is written is written behind the answer. */
async function written(one: Process, key: string): Promise<void> {
  const never = async (): Promise<Loaded> => Promise.reject(new Error("not written yet"));
  for (let i = 0; i < 200; i++) {
    const got = await one.get(key, never).catch(() => null);
    if (got) return;
    await Bun.sleep(5);
  }
  throw new Error(`${key} was not written`);
}

const prefixes: string[] = [];
const sharedLayer = () => {
  prefixes.push(`test-${crypto.randomUUID()}`);
  return openRedisLayer(redis, prefixes.at(-1)!);
};

afterAll(async () => {
  for (const prefix of prefixes) await wipe(prefix);
});

const wipe = (prefix: string) =>
  redis.attempt(async client => {
    const keys = await client.keys(`${prefix}:*`);
    if (keys.length > 0) await client.del(...keys);
  });

const kinds: [string, () => Process][] = [
  ["memory alone", () => processWith(null)],
  ["the shared layer alone", () => processWith(sharedLayer(), { maxEntries: 0 })],
  ["both", () => processWith(sharedLayer())],
];

describe.each(kinds)("%s", (_, open) => {
  test("gives again what was made, and each key its own", async () => {
    const one = open();
    const [a, b] = [loads('{"a":"ü ✓"}', "x"), loads("b", "y")];
    expect(await one.get("k:a", a)).toBe('miss {"a":"ü ✓"}1');
    expect(await one.get("k:b", b)).toBe("miss b1");
    await written(one, "k:a");
    await written(one, "k:b");
    expect([await one.get("k:a", a), await one.get("k:b", b)]).toEqual(['hit {"a":"ü ✓"}1', "hit b1"]);
  });

  test("an invalidated tag makes its entries old, and no others", async () => {
    const one = open();
    const [a, b] = [loads("a", "x", "z"), loads("b", "y")];
    for (const [key, load] of [
      ["k:a", a],
      ["k:b", b],
    ] as const) {
      await one.get(key, load);
      await written(one, key);
    }
    await one.invalidate("z", "nobody");
    expect([await one.get("k:a", a), await one.get("k:b", b)]).toEqual(["miss a2", "hit b1"]);
  });

  test("a slow reader can't bring back what was invalidated while it read", async () => {
    const one = open();
    const go = Promise.withResolvers<void>();
    const slow = one.get("k:s", async () => {
      await go.promise;
      return { text: "old", tags: ["x"] };
    });
    await Bun.sleep(1);
    await one.invalidate("x");
    go.resolve();
    expect(await slow).toBe("miss old");
    expect(await one.get("k:s", loads("new", "x"))).toBe("miss new1");
  });

  test("who asks after an invalidation does not wait for who began before it", async () => {
    const one = open();
    const go = Promise.withResolvers<void>();
    const slow = one.get("k:s", async () => {
      await go.promise;
      return { text: "old", tags: ["x"] };
    });
    await Bun.sleep(20);
    await one.invalidate("x");
    expect(await one.get("k:s", loads("new", "x"))).toBe("miss new1");
    go.resolve();
    expect(await slow).toBe("miss old");
    expect(await one.get("k:s", loads("newer", "x"))).not.toContain("old");
  });

  test("two thousand readers of what is not there cause one making", async () => {
    const one = open();
    const load = loads("a", "x");
    const all = await Promise.all(Array.from({ length: 2_000 }, () => one.get("k:a", load)));
    expect(new Set(all)).toEqual(new Set(["miss a1"]));
    expect(load.count).toBe(1);
  });

  test("a failure is not kept, and keeps nobody waiting", async () => {
    const one = open();
    const fails = async (): Promise<Loaded> => Promise.reject(new Error("no such product"));
    await Promise.all([1, 2].map(() => expect(one.get("k:a", fails)).rejects.toThrow("no such product")));
    const startedAt = performance.now();
    await expect(one.get("k:a", fails)).rejects.toThrow("no such product");
    expect(await one.get("k:a", loads("a"))).toBe("miss a1");
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test("what becomes wrong by the clock is not given from then on", async () => {
    const one = open();
    const load = async (): Promise<Loaded> => ({ text: "price", tags: [], wrongInMs: 40 });
    await one.get("k:p", load);
    await Bun.sleep(45);
    expect(await one.get("k:p", loads("sale"))).toBe("miss sale1");
  });

  test("a long key and many tags are no trouble", async () => {
    const one = open();
    const tags = Array.from({ length: 150 }, (_, i) => `product:${i}`);
    const load = loads("a", ...tags);
    const key = `k:${"x".repeat(5_000)}`;
    await one.get(key, load);
    await written(one, key);
    expect(await one.get(key, load)).toBe("hit a1");
    await one.invalidate("product:149");
    expect(await one.get(key, load)).toBe("miss a2");
  });
});

test("what is made together does not end together", async () => {
  const lives = await Promise.all(
    [0, 0.5, 0.999].map(async random => {
      const one = processWith(null, { random: () => random });
      await one.get("k:a", loads("a", "x"));
      const { madeAt, freshUntil } = one.memory.slot("k:a")!;
      return Math.round((freshUntil - madeAt) / 1_000);
    }),
  );
  expect(lives).toEqual([54, 60, 66]);
});

test("so many are made at once, the others in their turn; one that fails takes nobody's turn", async () => {
  const one = processWith(null, { maxFills: 2 });
  let [inside, most] = [0, 0];
  const load = (n: number) => async (): Promise<Loaded> => {
    most = Math.max(most, ++inside);
    await Bun.sleep(1);
    inside--;
    if (n % 3 === 0) throw outage;
    return { text: String(n), tags: [] };
  };
  const asked = Array.from({ length: 12 }, (_, n) => one.get(`k:${n}`, load(n)).catch(() => "failed"));
  expect(await Promise.all(asked)).toEqual(
    Array.from({ length: 12 }, (_, n) => (n % 3 === 0 ? "failed" : `miss ${n}`)),
  );
  expect(most).toBe(2);
});

test("what is kept in one process only is in no shared layer", async () => {
  const shared = sharedLayer();
  const [one, other] = [processWith(shared), processWith(shared)];
  const mine = { ...family, isLocal: true };
  const [local, common] = [loads("a", "x"), loads("b", "x")];
  expect(await one.get("k:a", local, mine)).toBe("miss a1");
  expect(await one.get("k:a", local, mine)).toBe("hit a1");
  await one.get("k:b", common);
  await written(other, "k:b");
  expect(await other.get("k:a", local, mine)).toBe("miss a2");
});

describe("the shared layer", () => {
  test("gives one process what another made, but not after a change", async () => {
    const shared = sharedLayer();
    const [one, two] = [processWith(shared), processWith(shared)];
    await one.get("k:a", loads("a", "x"));
    await written(processWith(shared, { maxEntries: 0 }), "k:a");
    expect(await two.get("k:a", loads("b", "x"))).toBe("hit a1");
    await one.invalidate("x");
    two.memory.drop(["x"]);
    expect(await two.get("k:a", loads("b", "x"))).toBe("miss b1");
  });

  test("of two processes one makes it", async () => {
    const shared = sharedLayer();
    const load = loads("a", "x");
    const slow = async () => {
      const made = await load();
      await Bun.sleep(30);
      return made;
    };
    const all = await Promise.all(Array.from({ length: 4 }, () => processWith(shared).get("k:a", slow)));
    expect(all.sort()).toEqual(["hit a1", "hit a1", "hit a1", "miss a1"]);
  });

  test("believes nothing after a wipe, nor writes what was being made meanwhile", async () => {
    const shared = sharedLayer();
    const [one, none] = [processWith(shared), () => processWith(shared, { maxEntries: 0 })];
    await one.get("k:a", loads("a", "x"));
    await written(none(), "k:a");
    const look = await shared.look("k:b");
    await shared.invalidate(["x"]);
    await wipe(prefixes.at(-1)!);
    const entry = { text: "old", tags: ["x"], freshMs: 9_000, staleMs: 9_000, costMs: 1 };
    expect(await shared.put("k:b", entry, look.fence!)).toBe(false);
    expect(await none().get("k:a", loads("b", "x"))).toBe("miss b1");
  });

  test("renewed, has nothing", async () => {
    const shared = sharedLayer();
    const none = () => processWith(shared, { maxEntries: 0 });
    await none().get("k:a", loads("a", "x"));
    await written(none(), "k:a");
    expect(await shared.renew()).toBe(true);
    expect(await none().get("k:a", loads("b", "x"))).toBe("miss b1");
  });

  test("away, costs nobody an error", async () => {
    const dead = openRedis({ url: "http://127.0.0.1:1", timeoutMs: 50, log: silentLog });
    const one = processWith(openRedisLayer(dead));
    expect(await one.get("k:a", loads("a", "x"))).toBe("miss a1");
    expect(await one.get("k:a", loads("a", "x"))).toBe("hit a1");
    expect(await openRedisLayer(dead).invalidate(["x"])).toBe(false);
  });
});

describe("memory", () => {
  test("after its time gives an entry once more and makes it anew behind", async () => {
    const one = processWith(null);
    const load = loads("a", "x");
    await one.get("k:a", load);
    one.pass(family.freshMs * 1.1);
    expect(await one.get("k:a", load)).toBe("stale a1");
    await Bun.sleep(1);
    expect(await one.get("k:a", load)).toBe("hit a2");
  });

  test("near its end makes an entry anew by chance, once", async () => {
    const one = processWith(null);
    const load = loads("a", "x");
    const slow = async () => {
      one.pass(10_000);
      return load();
    };
    await one.get("k:a", slow);
    // β · cost · −ln(0.5) is 7 s, and 3 s are left.
    one.pass(family.freshMs - 13_000);
    expect(await Promise.all([1, 2, 3].map(() => one.get("k:a", load)))).toEqual(Array(3).fill("hit a1"));
    await until(async () => (await one.get("k:a", load)) === "hit a2");
    expect(load.count).toBe(2);
  });

  test("gives what may show a moment later once more, as stale, while it is made anew, and not for long", async () => {
    const one = processWith(null);
    const load = loads("a", "x");
    await one.get("k:a", load);
    one.memory.outdate(["x"]);
    expect(one.cache.hot("k:a")).toBeUndefined();
    expect(await one.get("k:a", load)).toBe("stale a1");
    await until(async () => (await one.get("k:a", load)) === "hit a2");
    expect(load.count).toBe(2);
    one.memory.outdate(["x"]);
    one.pass(250);
    expect(await one.get("k:a", load)).toBe("miss a3");
    // What is known to be old stands in for no failure.
    one.memory.outdate(["x"]);
    one.pass(250);
    await expect(one.get("k:a", async () => Promise.reject(outage))).rejects.toThrow("away");
  });

  test("what was read before it was outdated is not kept", async () => {
    const one = processWith(null);
    const load = loads("a", "x");
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow = one.get("k:a", async () => {
      const read = await load();
      await promise;
      return read;
    });
    await until(() => load.count === 1);
    one.memory.outdate(["x"]);
    resolve();
    expect(await slow).toBe("miss a1");
    expect(await one.get("k:a", load)).toBe("miss a2");
  });

  test("while what it depends on can't be asked, gives it to nobody unasked, and as stale when making it fails", async () => {
    let trusted = true;
    const one = processWith(null, { trusted: () => trusted });
    await one.get("k:a", loads("a", "x"));
    trusted = false;
    expect(one.cache.hot("k:a")).toBeUndefined();
    const fails = async (): Promise<Loaded> => Promise.reject(outage);
    expect(await one.get("k:a", fails)).toBe("stale a1");
    await expect(one.get("k:a", async () => Promise.reject(new Error("gone")))).rejects.toThrow("gone");
    await one.invalidate("x");
    await expect(one.get("k:a", fails)).rejects.toThrow("away");
  });

  test("is bounded, and what is read stays", async () => {
    const one = processWith(null, { maxEntries: 10 });
    for (let i = 0; i < 100; i++) {
      await one.get(`k:${i}`, loads("a"));
      await one.get("k:0", loads("never"));
    }
    expect(one.memory.size.entries).toBe(10);
    expect(await one.get("k:0", loads("never"))).toBe("hit a1");
    const big = async (): Promise<Loaded> => ({ text: "x".repeat(100_000), tags: [] });
    for (let i = 0; i < 10; i++) await one.get(`k:big${i}`, big);
    expect(one.memory.size.bytes).toBeLessThan(1_000_000);
  });
});
