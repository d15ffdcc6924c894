import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { newId } from "../platform/ids.ts";
import { until } from "../platform/testing/index.ts";
import { EngineModel } from "./engine.model.ts";
import type { IndexedEngine } from "./engine.ts";
import {
  ensureIndexes,
  latestReindexes,
  type ReindexDeps,
  type ReindexOutcome,
  requestReindex,
  runReindex,
} from "./index.ts";
import { meilisearch, openShop, type Shop } from "./testing.ts";

const real = await meilisearch();
let engine: EngineModel;
let shop: Shop;

beforeEach(async () => {
  engine = new EngineModel();
  shop = await openShop(engine);
}, 120_000);
afterEach(() => shop.close());

const wanted = () => Object.fromEntries([...shop.shelf()].map(([id, { title }]) => [id, title]));
const held = () => Object.fromEntries(engine.titles);
const request = async () => (await requestReindex(shop.sql, { storeId: shop.storeId })).id;
const latest = async () => (await latestReindexes(shop.sql, [shop.storeId]))[0]!;

function depsOf(other: Partial<ReindexDeps> = {}): ReindexDeps {
  return {
    sql: shop.sql,
    engine,
    products: shop.products,
    productIds: async (_sql, storeId, after, limit) =>
      [...shop.shelf(storeId).keys()]
        .filter(id => id > after)
        .sort()
        .slice(0, limit),
    countProducts: async (_sql, storeId) => shop.shelf(storeId).size,
    ...other,
  };
}
const run = (buildId: string, other: Partial<ReindexDeps> = {}): Promise<ReindexOutcome> =>
  runReindex(depsOf(other), shop.storeId, buildId);

/** What the rows say the engine has. */
const confirmed = async () =>
  shop.sql`SELECT count(*)::int AS n FROM search.document
           WHERE version <> confirmed_version OR version <> enqueued_version OR task IS NOT NULL`;

describe("a reindex", () => {
  test("fills an index beside, swaps it in and leaves nothing behind", async () => {
    await shop.stock({ title: "Kettle" }, { title: "Pan" });
    const never = shop.put({ title: "Never indexed" });
    const before = await engine.identity(shop.storeId);
    expect(await run(await request())).toEqual({ type: "done" });
    expect(held()).toEqual(wanted());
    expect(engine.titles.has(never)).toBe(true);
    expect(await engine.identity(shop.storeId)).not.toBe(before);
    expect(engine.names).toEqual([shop.storeId]);
    expect(await confirmed()).toMatchObject([{ n: 0 }]);
    expect(await shop.sql`SELECT FROM search.built`).toHaveLength(0);
    expect(await latest()).toMatchObject({ status: "done", done: 3, total: 3 });
    const posts = engine.sent.length;
    await shop.index([...shop.shelf().keys()]);
    expect(engine.sent).toHaveLength(posts);
  });

  test("ends in what the shop has, whatever changes or goes meanwhile, in hundreds of products", async () => {
    const ids = Array.from({ length: 1_200 }, (_, i) => shop.put({ title: `Thing ${i}` }));
    await shop.index(ids.slice(0, 900));
    engine.latencyMs = () => Math.random() * 10;
    let over = false;
    const shopkeeper = async () => {
      for (let round = 0; !over || round < 5; round++) {
        const some = ids.filter(() => Math.random() < 0.02);
        for (const id of some) {
          if (Math.random() < 0.3) shop.shelf().delete(id);
          else shop.put({ title: `round ${round}` }, id);
        }
        await shop.index(some);
        if (over) return;
      }
    };
    const keepers = [shopkeeper(), shopkeeper()];
    expect(await run(await request())).toEqual({ type: "done" });
    over = true;
    await Promise.all(keepers);
    await shop.index(ids);
    expect(held()).toEqual(wanted());
    expect(await confirmed()).toMatchObject([{ n: 0 }]);
  }, 60_000);

  test("goes on from its checkpoint when its process died, as often as that happens", async () => {
    const ids = Array.from({ length: 3_400 }, (_, i) => shop.put({ title: `Thing ${i}` }));
    const build = await request();
    let died = 0;
    engine.afterEnqueue = () => {
      if (Math.random() < 0.4) throw new Error(`died ${++died}`);
    };
    for (;;) {
      const ended = await run(build).catch(() => null);
      if (ended) break;
      shop.put({ title: `changed after ${died}` }, ids[died * 100]);
      await shop.index([ids[died * 100]!]).catch(() => {});
    }
    engine.afterEnqueue = () => {};
    await shop.index(ids, { doubtful: ids });
    expect(held()).toEqual(wanted());
    const pages = engine.sent.filter(post => post.length === 1_000).length;
    expect(pages).toBeLessThanOrEqual(3 + died + 4);
  }, 60_000);

  test("that died between the swap and the note of it is noted by the next indexer, and by the next run", async () => {
    for (const next of ["indexer", "run"]) {
      const [id] = (await shop.stock({ title: "Kettle" })) as [string];
      const swap = engine.swap.bind(engine);
      engine.swap = async (...names) => {
        await swap(...names);
        throw new Error("died");
      };
      const build = await request();
      expect(run(build)).rejects.toThrow("died");
      await until(async () => engine.names.length === 2 && (await latest()).status === "building");
      engine.swap = swap;
      await shop.sql`DELETE FROM bus.outbox`;
      if (next === "indexer") {
        shop.put({ title: "Copper kettle" }, id);
        await until(async () => shop.index([id]).then(() => true));
        expect(await latest()).toMatchObject({ status: "done" });
        expect(await shop.sql`SELECT FROM bus.outbox`).toHaveLength(0);
      }
      expect(await run(build)).toEqual({ type: "done" });
      expect(held()).toEqual(wanted());
      expect(engine.names).toEqual([shop.storeId]);
    }
  });

  test("sends again what the new index turns out not to hold", async () => {
    const ids = await shop.stock({ title: "Kettle" }, { title: "Pan" }, { title: "Pot" });
    const build = await request();
    const heldIn = engine.held.bind(engine);
    let looks = 0;
    engine.held = async (index, page) => {
      if (++looks === 1) {
        engine.tamper(index, ids[0]!, null);
        engine.tamper(index, ids[1]!, { version: 0, title: "an older one, posted late" });
        engine.tamper(index, newId("prod"), { title: "of nobody" });
      }
      return heldIn(index, page);
    };
    // An earlier run that may still post late makes the next one look at every version.
    engine.afterEnqueue = () => {
      engine.afterEnqueue = () => {};
      throw new Error("died");
    };
    expect(run(build)).rejects.toThrow("died");
    await until(async () => run(build).then(({ type }) => type === "done"));
    expect(looks).toBe(2);
    expect(held()).toEqual(wanted());
  });

  test("fails where the new index never holds what it was sent, and the old one goes on", async () => {
    const [id] = (await shop.stock({ title: "Kettle" })) as [string];
    const before = await engine.identity(shop.storeId);
    const countIn = engine.count.bind(engine);
    engine.count = async index => {
      engine.tamper(index, id, null);
      return countIn(index);
    };
    const build = await request();
    expect(await run(build)).toMatchObject({ type: "failed" });
    expect(await latest()).toMatchObject({ status: "failed", error: expect.stringContaining("1 products") });
    expect(await engine.identity(shop.storeId)).toBe(before);
    expect(engine.names).toEqual([shop.storeId]);
    expect(held()).toEqual(wanted());
  });

  test("ends in a shop that changes faster than the last changes can be sent", async () => {
    const ids = Array.from({ length: 400 }, (_, i) => shop.put({ title: `Thing ${i}` }));
    const stateOf = engine.taskState.bind(engine);
    let changed = 0;
    engine.taskState = async task => {
      await shop.sql`UPDATE search.document SET version = version + 1 WHERE product_id = ANY(${ids.slice(0, 300)})`;
      changed++;
      return stateOf(task);
    };
    expect(await run(await request())).toEqual({ type: "done" });
    expect(changed).toBeGreaterThan(2);
    expect(held()).toEqual(wanted());
  });

  test("of a shop where nothing changes writes none of its rows", async () => {
    await shop.stock({ title: "Kettle" }, { title: "Pan" });
    const rows = () => shop.sql`SELECT product_id, xmin::text FROM search.document ORDER BY 1`;
    const before = await rows();
    expect(await run(await request())).toEqual({ type: "done" });
    expect(await rows()).toEqual(before);
  });

  test("sends what search knows at once, and again only what turns out to differ", async () => {
    const [kettle, pan] = (await shop.stock({ title: "Kettle" }, { title: "Pan" })) as [string, string];
    // Neither was ever told.
    shop.put({ title: "Copper kettle" }, kettle);
    const never = shop.put({ title: "Never indexed" });
    const before = engine.sent.length;
    expect(await run(await request())).toEqual({ type: "done" });
    const [settings, ...posts] = engine.sent.slice(before);
    expect(settings).toEqual([engine.settings]);
    expect(posts).toEqual([[kettle, pan].toSorted(), [kettle, never].toSorted()]);
    expect(held()).toEqual(wanted());
  });

  test("does not send documents of another shape, but all as they are now", async () => {
    const ids = await shop.stock({ title: "Kettle" }, { title: "Pan" });
    await shop.sql`UPDATE search.index SET shape = 0`;
    await shop.sql`UPDATE search.document SET document = document || '{"title": "of another shape"}', content_hash = 'other'`;
    const before = engine.sent.length;
    expect(await run(await request())).toEqual({ type: "done" });
    expect(engine.sent.slice(before + 1)).toEqual([ids.toSorted()]);
    expect(held()).toEqual(wanted());
  });

  test("leaves out a document that the engine refuses, alone", async () => {
    const ids = Array.from({ length: 9 }, (_, i) => shop.put({ title: `Thing ${i}` }));
    for (const refusing of [engine.bad, engine.unpostable]) {
      refusing.add(ids[4]!);
      expect(await run(await request())).toEqual({ type: "done" });
      expect(ids.map(id => engine.titles.has(id))).toEqual(ids.map(id => id !== ids[4]));
      refusing.clear();
    }
  });

  test("removes what search shows and the shop does not have any more", async () => {
    const [kept, gone] = (await shop.stock({ title: "Kettle" }, { title: "Pan" })) as [string, string];
    // Its removal was never told.
    shop.shelf().delete(gone);
    expect(await run(await request())).toEqual({ type: "done" });
    expect([...engine.titles.keys()]).toEqual([kept]);
    const [row] = await shop.sql`SELECT deleted FROM search.document WHERE product_id = ${gone}`;
    expect(row).toEqual({ deleted: true });
  });

  test("that another process has taken on ends without a word", async () => {
    shop.put({ title: "Kettle" });
    const build = await request();
    const gate = Promise.withResolvers<void>();
    const enqueue = engine.enqueue.bind(engine);
    engine.enqueue = async (...args) => {
      engine.enqueue = enqueue;
      await gate.promise;
      return enqueue(...args);
    };
    const stalled = run(build);
    await until(() => engine.enqueue === enqueue);
    expect(await run(build)).toEqual({ type: "done" });
    gate.resolve();
    expect((await stalled).type).not.toBe("failed");
    expect(held()).toEqual(wanted());
    expect(await latest()).toMatchObject({ status: "done" });
  });

  test("of a shop with Postgres alone makes its documents anew", async () => {
    const ids = [shop.put({ title: "Kettle" }), shop.put({ title: "Pan" })];
    await shop.index([ids[0]!], { engine: null });
    shop.put({ title: "Copper kettle" }, ids[0]);
    expect(await run(await request(), { engine: null })).toEqual({ type: "done" });
    const rows = await shop.sql`SELECT title FROM search.document ORDER BY title`;
    expect(rows.map(row => row.title)).toEqual(["Copper kettle", "Pan"]);
  });
});

describe("asking for one", () => {
  const jobs = () => shop.sql`SELECT FROM bus.outbox WHERE kind = 'search.reindex'`;

  test("twice gives the open one, and another job only when nothing was heard of the first", async () => {
    const build = await request();
    expect(await request()).toBe(build);
    expect(await jobs()).toHaveLength(1);
    await shop.sql`UPDATE search.build SET active_at = now() - interval '1 hour'`;
    expect(await request()).toBe(build);
    expect(await jobs()).toHaveLength(2);
    await run(build);
    expect(await request()).not.toBe(build);
  });

  test("is done by keepers once, where documents have got another shape", async () => {
    await shop.stock({ title: "Kettle" });
    expect(await ensureIndexes(shop.sql)).toBe(0);
    await shop.sql`UPDATE search.index SET shape = 0`;
    expect([await ensureIndexes(shop.sql), await ensureIndexes(shop.sql)]).toEqual([1, 0]);
    await run((await latest()).id);
    expect(await ensureIndexes(shop.sql)).toBe(0);
  });
});

describe.skipIf(!real)("with Meilisearch", () => {
  test("no search is without an answer while the index is made anew", async () => {
    const live = real as IndexedEngine;
    const ours = await openShop(live);
    try {
      const ids = await ours.stock(...Array.from({ length: 30 }, (_, i) => ({ title: `Lantern ${i}` })));
      const build = await requestReindex(ours.sql, { storeId: ours.storeId });
      const totals = new Set<number>();
      let over = false;
      const shopper = (async () => {
        while (!over) {
          const found = await live.search(ours.storeId, { q: "lantern", limit: 1, offset: 0, facets: [] });
          totals.add(found.total);
        }
      })();
      const before = await live.identity(ours.storeId);
      const deps = { ...depsOf(), sql: ours.sql, engine: live, products: ours.products };
      const productIds = async (_sql: unknown, _store: string, after: string) =>
        ids.filter(id => id > after).sort();
      const ended = await runReindex({ ...deps, productIds }, ours.storeId, build.id);
      over = true;
      await shopper;
      expect(ended).toEqual({ type: "done" });
      expect([...totals]).toEqual([30]);
      expect(await live.identity(ours.storeId)).not.toBe(before);
      ours.put({ title: "Lantern 0", price: 5 }, ids[0]);
      await ours.index(ids);
      expect(await ours.sql`SELECT FROM bus.outbox WHERE kind = 'search.index'`).toHaveLength(0);
      const cheap = await live.search(ours.storeId, { q: "", priceMax: 5, limit: 9, offset: 0, facets: [] });
      expect(cheap.items.map(item => item.title)).toEqual(["Lantern 0"]);
    } finally {
      await ours.close();
    }
  }, 60_000);
});
