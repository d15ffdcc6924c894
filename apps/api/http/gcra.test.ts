import { beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { silentLog } from "../../../platform/log.ts";
import { openRedis, type SharedRedis } from "../../../platform/redis/index.ts";
import { testServers, until } from "../../../platform/testing/index.ts";
import { createDeferredLimiter } from "./gcra.deferred.ts";
import { type Bucket, createLimiter, createLocalLimiter } from "./gcra.ts";

let redis: SharedRedis;
let second: SharedRedis;
beforeAll(async () => {
  const { redisUrl, redisToken } = await testServers();
  const open = () => openRedis({ url: redisUrl, token: redisToken, timeoutMs: 5_000, log: silentLog });
  [redis, second] = [open(), open()];
});

const bucket = (quota: number, windowMs: number): Bucket => ({ key: crypto.randomUUID(), quota, windowMs });

describe("in this process", () => {
  function setup(max?: number) {
    let now = 1_000_000;
    const limiter = createLocalLimiter(() => now, max);
    return {
      limiter,
      wait: (ms: number) => {
        now += ms * 1_000;
      },
    };
  }

  test("a whole quota may come at once, then one each interval", () => {
    const { limiter, wait } = setup();
    const ten = bucket(10, 60_000);
    for (let i = 9; i >= 0; i--) {
      const { allowed, levels } = limiter.take([ten]);
      expect([allowed, levels[0]!.remaining]).toEqual([true, i]);
    }
    const refused = limiter.take([ten]);
    expect(refused).toEqual({
      allowed: false,
      levels: [{ remaining: 0, resetUs: 60_000_000, waitUs: 6_000_000 }],
    });
    wait(5_999);
    expect(limiter.take([ten]).allowed).toBe(false);
    wait(1);
    expect(limiter.take([ten]).allowed).toBe(true);
    expect(limiter.take([ten]).allowed).toBe(false);
    wait(60_000);
    expect(limiter.take([ten]).levels[0]!.remaining).toBe(9);
  });

  test("what one bucket refuses costs nothing in the others", () => {
    const { limiter } = setup();
    const [wide, narrow] = [bucket(10, 60_000), bucket(1, 60_000)];
    expect(limiter.take([wide, narrow]).allowed).toBe(true);
    for (let i = 0; i < 20; i++) expect(limiter.take([wide, narrow]).allowed).toBe(false);
    expect(limiter.take([wide]).levels[0]!.remaining).toBe(8);
  });

  test("no window ever holds more than twice the quota, and any pace under the rate passes", () => {
    const steps = fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 20 }), (gaps, quota) => {
        const { limiter, wait } = setup();
        const one = bucket(quota, 10_000);
        let at = 0;
        const passed: number[] = [];
        for (const gap of gaps) {
          wait(gap);
          at += gap;
          if (limiter.take([one]).allowed) passed.push(at);
        }
        for (const [i, time] of passed.entries()) {
          const inWindow = passed.slice(i).filter(other => other < time + 10_000).length;
          expect(inWindow).toBeLessThanOrEqual(2 * quota);
        }
      }),
    );
    const { limiter, wait } = setup();
    const one = bucket(7, 10_000);
    for (let i = 0; i < 100; i++) {
      expect(limiter.take([one]).allowed).toBe(true);
      wait(10_000 / 7);
    }
  });

  test("memory is bounded: what was longest unused is forgotten", () => {
    const { limiter } = setup(100);
    const kept = bucket(1, 60_000);
    limiter.take([kept]);
    for (let i = 0; i < 1_000; i++) limiter.take([bucket(1, 60_000)]);
    expect(limiter.size).toBeLessThanOrEqual(100);
    expect(limiter.size).toBeGreaterThanOrEqual(50);
    expect(limiter.take([kept]).allowed).toBe(true);
  });
});

describe("through Redis", () => {
  test("many nodes at once let one quota through, and tell the same as one process", async () => {
    const [one, two] = [createLimiter(redis), createLimiter(second)];
    const shared = bucket(20, 600_000);
    const taken = await Promise.all(Array.from({ length: 50 }, (_, i) => (i % 2 ? one : two).take([shared])));
    expect(taken.filter(each => each.allowed)).toHaveLength(20);
    expect(
      taken
        .filter(each => each.allowed)
        .map(each => each.levels[0]!.remaining)
        .toSorted((a, b) => a - b),
    ).toEqual(Array.from({ length: 20 }, (_, i) => i));
    const refused = await one.take([shared]);
    expect(refused.levels[0]!.waitUs).toBeWithin(20_000_000, 30_000_001);
    expect(refused.levels[0]!.resetUs).toBeWithin(590_000_000, 600_000_001);
  });

  test("a bucket fills again with time, and is forgotten when it is full", async () => {
    const limiter = createLimiter(redis);
    const quick = bucket(2, 100);
    await limiter.take([quick]);
    await limiter.take([quick]);
    await Bun.sleep(130);
    expect(await redis.attempt(client => client.exists(`tradewind:limit:${quick.key}`))).toBe(0);
    expect((await limiter.take([quick])).levels[0]!.remaining).toBe(1);
  });

  test("what one bucket refuses costs nothing in the others", async () => {
    const limiter = createLimiter(redis);
    const [wide, narrow] = [bucket(10, 60_000), bucket(1, 60_000)];
    const results = [];
    for (let i = 0; i < 5; i++) results.push((await limiter.take([wide, narrow])).allowed);
    expect(results).toEqual([true, false, false, false, false]);
    expect((await limiter.take([wide])).levels[0]!.remaining).toBe(8);
  });
});

describe("deferred", () => {
  test("a node decides by itself at once, and by what all have taken soon after", async () => {
    const [one, two] = [createDeferredLimiter(redis), createDeferredLimiter(second)];
    const shared = bucket(20, 600_000);
    for (let i = 0; i < 15; i++) expect((await one.take([shared])).allowed).toBe(true);
    expect((await two.take([shared])).allowed).toBe(true);
    // 16 of 20 are gone, and both come to know it.
    const left = async (limiter: typeof one) => (await limiter.take([shared])).levels[0]!.remaining;
    await until(async () => (await left(two)) < 10);
    await until(async () => !(await one.take([shared])).allowed);
    await until(async () => !(await two.take([shared])).allowed);
    // A node that has never heard of the bucket lets one through and then knows.
    const third = createDeferredLimiter(second);
    expect((await third.take([shared])).allowed).toBe(true);
    await until(async () => !(await third.take([shared])).allowed);
  });

  test("one node alone never lets more through than its limit", async () => {
    const limiter = createDeferredLimiter(redis);
    const five = bucket(5, 600_000);
    const taken = await Promise.all(Array.from({ length: 50 }, () => limiter.take([five])));
    expect(taken.filter(each => each.allowed)).toHaveLength(5);
    await Bun.sleep(120);
    expect((await limiter.take([five])).allowed).toBe(false);
  });

  test("without Redis it goes on alone, and keeps no list of what it could not tell", async () => {
    const away = openRedis({ url: "http://127.0.0.1:1", timeoutMs: 100, log: silentLog });
    const limiter = createDeferredLimiter(away);
    const five = bucket(5, 60_000);
    const taken = await Promise.all(Array.from({ length: 12 }, () => limiter.take([five])));
    expect(taken.filter(each => each.allowed)).toHaveLength(5);
    await Bun.sleep(120);
    expect((await limiter.take([five])).allowed).toBe(false);
  });
});

test("while Redis is away each process goes on with limits of its own", async () => {
  const away = openRedis({ url: "http://127.0.0.1:1", timeoutMs: 100, log: silentLog });
  const limiter = createLimiter(away);
  const five = bucket(5, 60_000);
  const taken = await Promise.all(Array.from({ length: 12 }, () => limiter.take([five])));
  expect(taken.filter(each => each.allowed)).toHaveLength(5);
});
