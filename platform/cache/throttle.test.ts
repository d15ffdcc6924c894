import { afterEach, describe, expect, test } from "bun:test";
import { silentLog } from "../log.ts";
import { createMetrics } from "../metrics.ts";
import { freshDatabase, until } from "../testing/index.ts";
import { openCache } from "./index.ts";
import { createThrottle, type Throttle } from "./throttle.ts";

const throttles: Throttle[] = [];
afterEach(() => {
  for (const one of throttles.splice(0)) one.stop();
});

/** More in five seconds than caches follow. */
const STORM = 10_001;

function throttleAt(begin: number) {
  let now = begin;
  const due: string[][] = [];
  const throttle = createThrottle(
    tags => due.push(tags),
    () => now,
  );
  throttles.push(throttle);
  return { throttle, due, pass: (ms: number) => (now += ms) };
}

describe("tags that may take a moment", () => {
  test("are old at once when they were left alone for long enough, and else when that is over, once", async () => {
    const { throttle, due, pass } = throttleAt(50_000);
    expect(throttle.offer(["a", "b"])).toEqual(["a", "b"]);
    pass(690);
    expect(throttle.offer(["a", "c"])).toEqual(["c"]);
    expect(throttle.offer(["a"])).toEqual([]);
    expect(throttle.waiting).toBe(1);
    pass(10);
    await until(async () => due.length > 0);
    expect(due).toEqual([["a"]]);
    expect(throttle.waiting).toBe(0);
    pass(1_000);
    expect(throttle.offer(["a", "b"])).toEqual(["a", "b"]);
  });

  test("take five seconds in a storm, and come then", async () => {
    const { throttle, due, pass } = throttleAt(50_000);
    throttle.count(STORM);
    expect(throttle.isStorm).toBe(true);
    expect(throttle.offer(["stock:1"])).toEqual(["stock:1"]);
    for (let second = 1; second < 5; second++) {
      pass(1_000);
      throttle.count(STORM);
      // In calm weather each of these would be old at once.
      if (second === 2) expect(throttle.offer(["stock:2"])).toEqual(["stock:2"]);
    }
    pass(990);
    expect(throttle.offer(["stock:1", "stock:2", "stock:3"])).toEqual(["stock:3"]);
    pass(10);
    await until(async () => due.length > 0);
    expect(due).toEqual([["stock:1"]]);
    expect(throttle.waiting).toBe(1);
  });

  test("are old at once in the process that changed them, unless it changes one of them all the time", () => {
    const { throttle, pass } = throttleAt(50_000);
    for (let n = 0; n < 200; n++) expect(throttle.own(["a"])).toEqual(["a"]);
    expect(throttle.own(["a", "b"])).toEqual(["b"]);
    pass(1_000);
    expect(throttle.own(["a"])).toEqual(["a"]);
  });

  test("are as quick as before when the storm is over", () => {
    const { throttle, pass } = throttleAt(50_000);
    throttle.count(STORM - 1);
    expect(throttle.isStorm).toBe(false);
    throttle.count(1);
    expect(throttle.isStorm).toBe(true);
    pass(6_000);
    expect(throttle.isStorm).toBe(false);
    expect(throttle.offer(["a"])).toEqual(["a"]);
    pass(1_500);
    expect(throttle.offer(["a"])).toEqual(["a"]);
  });
});

test("in a storm a process holds back what may be late, drops at once what may not, and says so", async () => {
  const database = await freshDatabase();
  const { sql } = database;
  const metrics = createMetrics("test");
  const process = openCache<string>({
    ...{ sql, metrics, log: silentLog, redis: null, maxBytes: 1_000_000 },
    pack: text => text,
    isOutage: () => false,
  });
  const family = { name: "test", freshMs: 60_000, staleMs: 0, errorMs: 0 };
  const kept = async (tag: string) => {
    const load = async () => ({ text: tag, tags: [tag] });
    return (await process.cache.get({ key: `k:${tag}`, family, load })).slot;
  };
  const change = (tags: string[], soon: boolean) => sql`SELECT platform.invalidate(${tags}, ${soon}, '')`;
  const storms = async () => (await metrics.registry.metrics()).match(/^tradewind_cache_storm\S* (\d)/m)?.[1];
  try {
    await process.ready;
    expect(await storms()).toBe("0");
    await change(
      Array.from({ length: STORM }, (_, n) => `product:${n}`),
      false,
    );
    await until(async () => (await storms()) === "1");
    const [price, stock] = [await kept("price:1"), await kept("stock:1")];
    // The first is never held back; of what follows within five seconds all is.
    await change(["stock:1"], true);
    await until(async () => stock.outdated);
    const again = await until(async () => {
      const slot = await kept("stock:1");
      return slot !== stock && slot;
    });
    await change(["stock:1"], true);
    await change(["price:1"], false);
    await until(async () => price.dead);
    expect([again.dead, again.outdated]).toEqual([false, false]);
  } finally {
    process.stop();
    await database.drop();
  }
});
