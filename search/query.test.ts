import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { fixedClock } from "../platform/clock.ts";
import { silentLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import { until } from "../platform/testing/index.ts";
import { Breaker } from "./breaker.ts";
import type { Found, SearchEngine, SearchQuery } from "./engine.ts";
import { openMeilisearch } from "./engines/meilisearch.ts";
import { createSearch } from "./shop-search.ts";
import { meilisearch, openShop, type Shop } from "./testing.ts";

const CLOSED_PORT = "http://127.0.0.1:1";

let shop: Shop;
beforeEach(async () => {
  shop = await openShop(null);
}, 120_000);
afterEach(() => shop.close());

function searchWith(engine: SearchEngine | null, clock = fixedClock("2026-01-01T00:00:00Z")) {
  return createSearch({ sql: shop.sql, engine, log: silentLog, metrics: createMetrics("test"), clock });
}

/** An engine that answers, is silent or fails as it is told; what it is asked is counted. */
class Fickle implements SearchEngine {
  readonly name = "meilisearch";
  mode: "answers" | "silent" | "fails" = "answers";
  /** It is silent for this alone. */
  silentFor: string | undefined;
  asked = 0;

  async search(_storeId: string, { q }: SearchQuery, signal?: AbortSignal): Promise<Found> {
    this.asked++;
    if (this.mode === "fails") throw new Error("503");
    if (this.mode === "silent" || q === this.silentFor) {
      await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    }
    return { items: [], total: 0, facets: {} };
  }
}

describe("fallback", () => {
  test("Postgres answers in the same shape when there is no engine, or nobody at its address", async () => {
    await shop.stock({ title: "Essence Mascara", category: "beauty" });
    for (const engine of [null, openMeilisearch({ url: CLOSED_PORT })]) {
      const answer = await searchWith(engine)(shop.storeId, { q: "mascarra", facets: "category" });
      expect(answer).toMatchObject({ engine: "postgres", total: 1, facets: { category: { beauty: 1 } } });
      expect(answer.items[0]?.title).toBe("Essence Mascara");
      expect(answer.tookMs).toBeGreaterThan(0);
    }
  });

  test("Postgres answers for a store that has no index in the engine yet", async () => {
    const engine = await meilisearch();
    if (!engine) return;
    await shop.stock({ title: "Kettle" });
    const answer = await searchWith(engine)(shop.storeId, {});
    expect(answer).toMatchObject({ engine: "postgres", total: 1 });
  });

  test("an engine that is silent is given 300 ms", async () => {
    const engine = new Fickle();
    engine.mode = "silent";
    const answer = await searchWith(engine)(shop.storeId, {});
    expect(answer.engine).toBe("postgres");
    expect(answer.tookMs).toBeGreaterThan(250);
    expect(answer.tookMs).toBeLessThan(2_000);
  });

  test("after three failures nobody asks the engine, until a probe brings it back", async () => {
    const engine = new Fickle();
    const clock = fixedClock("2026-01-01T00:00:00Z");
    const search = searchWith(engine, clock);
    const who = async () => (await search(shop.storeId, {})).engine;
    expect(await who()).toBe("meilisearch");
    engine.mode = "fails";
    for (let i = 0; i < 10; i++) expect(await who()).toBe("postgres");
    expect(engine.asked).toBe(1 + 3);
    clock.advance(600);
    expect([await who(), await who()]).toEqual(["postgres", "postgres"]);
    expect(engine.asked).toBe(1 + 3 + 1);
    engine.mode = "answers";
    clock.advance(600);
    expect(await who()).toBe("postgres");
    await until(async () => (await who()) === "meilisearch");
  });

  test("one slow query is followed by an easy one, which finds out within the second whether it was the engine", async () => {
    const engine = new Fickle();
    const search = searchWith(engine);
    const slow = async () => (await search(shop.storeId, { q: "slow" })).engine;
    engine.silentFor = "slow";
    expect([await slow(), await slow()]).toEqual(["postgres", "postgres"]);
    await until(() => engine.asked === 4);
    expect((await search(shop.storeId, {})).engine).toBe("meilisearch");
    engine.mode = "silent";
    expect(await slow()).toBe("postgres");
    await until(() => engine.asked === 5 + 3);
    // Nobody else has searched, and nobody waits any more.
    await until(async () => {
      const before = engine.asked;
      await search(shop.storeId, {});
      return engine.asked === before;
    });
  });

  test("a probe keeps no shopper waiting", async () => {
    const breaker = new Breaker({ failures: 1, probeMs: 100, clock: fixedClock("2026-01-01T00:00:00Z") });
    breaker.failed();
    expect(breaker.admit()).toBe("refuse");
    const engine = new Fickle();
    const clock = fixedClock("2026-01-01T00:00:00Z");
    const search = searchWith(engine, clock);
    engine.mode = "fails";
    for (let i = 0; i < 3; i++) await search(shop.storeId, {});
    engine.mode = "silent";
    clock.advance(600);
    expect((await search(shop.storeId, {})).tookMs).toBeLessThan(250);
    expect(engine.asked).toBe(4);
  });
});

describe("parameters", () => {
  test("out of bounds are refused by name", async () => {
    const search = searchWith(null);
    const refused: [string, object][] = [
      ["q", { q: "x".repeat(201) }],
      ["limit", { limit: 0 }],
      ["limit", { limit: 101 }],
      ["offset", { offset: -1 }],
      ["offset", { offset: 1_001 }],
      ["priceMin", { priceMin: 2, priceMax: 1 }],
      ["facets", { facets: "vendor,secrets" }],
    ];
    for (const [path, params] of refused) {
      expect(search(shop.storeId, params)).rejects.toMatchObject({
        status: 422,
        more: { errors: [{ path }] },
      });
    }
  });

  test("with invisible characters, operators or nothing in them are plain text", async () => {
    const engines = [null, await meilisearch()];
    await shop.stock({ title: "Kettle", vendor: "Copper & Co" });
    for (const engine of engines) {
      const search = searchWith(engine);
      expect((await search(shop.storeId, { q: "ket\u0000tle\u202e", vendor: "\u0007" })).total).toBe(0);
      expect((await search(shop.storeId, { q: "\u200fkettle\u200f" })).total).toBe(1);
      expect((await search(shop.storeId, { q: " ", category: "", vendor: "" })).total).toBe(1);
      expect((await search(shop.storeId, { q: "\ud800 kettle" })).total).toBe(1);
    }
  });
});
