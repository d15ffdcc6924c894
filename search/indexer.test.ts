import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { newId } from "../platform/ids.ts";
import { until } from "../platform/testing/index.ts";
import { EngineModel } from "./engine.model.ts";
import { openShop, type Shop } from "./testing.ts";

let engine: EngineModel;
let shop: Shop;

beforeEach(async () => {
  engine = new EngineModel();
  shop = await openShop(engine);
}, 120_000);
afterEach(() => shop.close());

const wanted = () => Object.fromEntries([...shop.shelf()].map(([id, { title }]) => [id, title]));
const held = () => Object.fromEntries(engine.titles);
/** What was sent since the settings. */
const sent = () => engine.sent.filter(ids => !ids[0]?.startsWith("settings"));
const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!;

async function rowOf(productId: string) {
  const [row] = await shop.sql`
    SELECT version, enqueued_version AS enqueued, confirmed_version AS confirmed, task, deleted
    FROM search.document WHERE product_id = ${productId}`;
  return row;
}

describe("order", () => {
  test("updates, removals and returns by many indexers at once end in what the shop has", async () => {
    engine.latencyMs = () => Math.random() * 5;
    const ids = Array.from({ length: 6 }, () => shop.put({ title: "first" }));
    let changes = 0;
    const shopkeeper = async () => {
      for (let i = 0; i < 25; i++) {
        const some = ids.filter(() => Math.random() < 0.5);
        for (const id of some) {
          if (Math.random() < 0.3) shop.shelf().delete(id);
          else shop.put({ title: `title ${++changes}` }, id);
        }
        await shop.index(some);
      }
    };
    await Promise.all(Array.from({ length: 4 }, shopkeeper));
    await shop.index(ids);
    expect(held()).toEqual(wanted());
  }, 120_000);

  test("the same holds when senders die after any of their posts and their jobs come again", async () => {
    engine.latencyMs = () => Math.random() * 5;
    engine.afterEnqueue = () => {
      if (Math.random() < 0.3) throw new Error("died");
    };
    const ids = Array.from({ length: 4 }, () => shop.put({ title: "first" }));
    let changes = 0;
    const redelivered = async (some: string[]) => {
      for (let attempt = 1; ; attempt++) {
        const doubtful = attempt > 1 ? some : [];
        const ended = await shop.index(some, { doubtful }).catch(() => null);
        if (ended) return;
      }
    };
    const shopkeeper = async () => {
      for (let i = 0; i < 15; i++) {
        const some = [pick(ids), pick(ids)];
        for (const id of some) {
          if (Math.random() < 0.3) shop.shelf().delete(id);
          else shop.put({ title: `title ${++changes}` }, id);
        }
        await redelivered(some);
      }
    };
    await Promise.all([shopkeeper(), shopkeeper(), shopkeeper()]);
    expect(held()).toEqual(wanted());
  }, 120_000);

  test("a sender that lost its lock and posts late is put right when its job comes again", async () => {
    const id = shop.put({ title: "old" });
    await shop.index([id]);
    shop.put({ title: "stale" }, id);
    const gate = Promise.withResolvers<void>();
    const enqueue = engine.enqueue.bind(engine);
    engine.enqueue = async (...args) => {
      engine.enqueue = enqueue;
      await gate.promise;
      return enqueue(...args);
    };
    const late = shop.index([id]).catch(() => "lost its connection");
    // It is about to post, and holds the lock.
    await until(() => engine.enqueue === enqueue);
    await until(
      async () =>
        (
          await shop.sql`
            SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database
            WHERE datname = current_database() AND locktype = 'advisory' AND granted`
        ).length > 0,
    );
    expect(await late).toBe("lost its connection");
    shop.put({ title: "new" }, id);
    await shop.index([id]);
    expect(held()).toEqual({ [id]: "new" });
    gate.resolve();
    await until(() => engine.titles.get(id) === "stale");
    await shop.index([id], { doubtful: [id] });
    expect(held()).toEqual({ [id]: "new" });
  }, 120_000);
});

describe("what is sent", () => {
  test("many jobs of one product in a batch are one document", async () => {
    const id = shop.put({ title: "Kettle" });
    await shop.index(Array.from({ length: 100 }, () => id));
    expect(sent()).toEqual([[id]]);
  });

  test("nothing, when a redelivered job or another event finds the product as it was sent", async () => {
    const [id] = await shop.stock({ title: "Kettle" });
    await shop.index([id!]);
    expect(sent()).toHaveLength(1);
    expect(await rowOf(id!)).toMatchObject({ version: 1, enqueued: 1, confirmed: 1, task: null });
  });

  test("a removal once, as a tombstone; nothing for a product that was never there", async () => {
    const [id] = await shop.stock({ title: "Kettle" });
    shop.shelf().delete(id!);
    const unknown = newId("prod");
    await shop.index([id!, unknown]);
    await shop.index([id!, unknown]);
    expect(sent()).toEqual([[id!], [id!]]);
    expect(await rowOf(id!)).toMatchObject({ deleted: true, version: 2, confirmed: 2 });
    expect(await rowOf(unknown)).toBeUndefined();
    shop.put({ title: "Kettle again" }, id!);
    await shop.index([id!]);
    expect(held()).toEqual({ [id!]: "Kettle again" });
  });

  test("only price, stock and popularity, where nothing else differs and the engine has the rest", async () => {
    const [id, other] = (await shop.stock({ title: "Kettle" }, { title: "Pan" })) as [string, string];
    shop.put({ title: "Kettle", price: 900, unitsSold: 40 }, id);
    shop.put({ title: "Copper pan", price: 900 }, other);
    await shop.index([id, other]);
    // A variant's id is part of what a hit shows, and the shelf gives new ones: SKUs and words are as before.
    expect(engine.partial).toEqual([id]);
    shop.put({ title: "Kettle", price: 800 }, id);
    await shop.index([id], { doubtful: [id] });
    expect(engine.partial).toEqual([id]);
    shop.shelf().delete(id);
    await shop.index([id]);
    shop.put({ title: "Kettle", price: 800 }, id);
    await shop.index([id]);
    expect(engine.partial).toEqual([id]);
    const [row] = await shop.sql`SELECT price, popularity FROM search.document WHERE product_id = ${id}`;
    expect(row).toMatchObject({ price: 800, popularity: 0 });
  });

  test("the whole product again, after the task with its words was lost", async () => {
    const [id] = (await shop.stock({ title: "Kettle" })) as [string];
    engine.manual = true;
    shop.put({ title: "Copper kettle" }, id);
    const job = shop.index([id]);
    await until(async () => (await rowOf(id))?.task);
    engine.lose();
    await job;
    engine.manual = false;
    shop.put({ title: "Copper kettle", price: 1 }, id);
    await shop.index([id]);
    expect(engine.partial).toEqual([]);
    expect(held()).toEqual({ [id]: "Copper kettle" });
  });

  test("only the store's own products", async () => {
    const other = newId("store");
    const id = shop.put({ title: "Ours" });
    await shop.index([id], { storeId: other });
    expect(sent()).toEqual([]);
  });
});

describe("the engine's tasks", () => {
  test("a job ends only when the task that holds its product succeeded, also when another job sent it", async () => {
    const [settled] = await shop.stock({ title: "Settled" });
    engine.manual = true;
    const id = shop.put({ title: "Kettle" });
    let ended = 0;
    const first = shop.index([id]).then(() => ended++);
    await until(async () => (await rowOf(id))?.task);
    const second = shop.index([id]).then(() => ended++);
    // A product without a task in the queue waits for nothing; by then the second job had its turn too.
    await shop.index([settled!]);
    expect(ended).toBe(0);
    expect(sent()).toEqual([[settled!], [id]]);
    engine.run();
    await Promise.all([first, second]);
    expect(await rowOf(id)).toMatchObject({ enqueued: 1, confirmed: 1, task: null });
  });

  test("what a lost task held is sent again by whoever comes next", async () => {
    const [id] = await shop.stock({ title: "Kettle" });
    engine.manual = true;
    shop.put({ title: "Copper kettle" }, id!);
    const job = shop.index([id!]);
    await until(async () => (await rowOf(id!))?.task);
    engine.lose();
    expect((await job).get(id!)).toEqual({ type: "lost", error: "no room" });
    expect(await rowOf(id!)).toMatchObject({ version: 2, enqueued: 1, confirmed: 1, task: null });
    engine.manual = false;
    await shop.index([id!]);
    expect(held()).toEqual({ [id!]: "Copper kettle" });
  });

  test("one bad document fails alone", async () => {
    for (const kind of [engine.bad, engine.unpostable]) {
      const ids = Array.from({ length: 5 }, (_, i) => shop.put({ title: `Thing ${i}` }));
      kind.add(ids[2]!);
      const outcomes = await shop.index(ids);
      expect(ids.map(id => outcomes.get(id)!.type)).toEqual([
        "indexed",
        "indexed",
        "refused",
        "indexed",
        "indexed",
      ]);
      expect(ids.map(id => engine.titles.has(id))).toEqual([true, true, false, true, true]);
      kind.clear();
      await shop.index(ids);
      expect(engine.titles.has(ids[2]!)).toBe(true);
    }
  });

  test("an engine that does not answer fails the jobs, and they succeed later", async () => {
    const id = shop.put({ title: "Kettle" });
    engine.afterEnqueue = () => {
      throw new Error("connection refused");
    };
    expect(shop.index([id])).rejects.toThrow("connection refused");
    await shop.index([]);
    engine.afterEnqueue = () => {};
    await shop.index([id], { doubtful: [id] });
    expect(held()).toEqual({ [id]: "Kettle" });
  });
});

describe("the index", () => {
  const jobs = async () =>
    (
      await shop.sql<{ key: string }[]>`SELECT key FROM bus.outbox WHERE kind = 'search.index' ORDER BY key`
    ).map(row => row.key);

  test("gets its settings before the first document and again when they change, not otherwise", async () => {
    const [id] = await shop.stock({ title: "Kettle" });
    await shop.index([id!], { doubtful: [id!] });
    engine.settings = "settings-2";
    await shop.index([id!], { doubtful: [id!] });
    await shop.index([id!], { doubtful: [id!] });
    expect(engine.sent).toEqual([["settings-1"], [id!], [id!], ["settings-2"], [id!], [id!]]);
    expect(await jobs()).toEqual([]);
  });

  test("of an engine that was emptied is filled anew", async () => {
    const ids = await shop.stock({ title: "Kettle" }, { title: "Pan" }, { title: "Pot" });
    shop.shelf().delete(ids[2]!);
    await shop.index([ids[2]!]);
    engine.wipe();
    shop.put({ title: "Copper kettle" }, ids[0]);
    await shop.index([ids[0]!]);
    expect(held()).toEqual({ [ids[0]!]: "Copper kettle" });
    expect(await jobs()).toEqual([`product:${ids[1]}`]);
    await shop.index(ids);
    expect(held()).toEqual(wanted());
    expect(await jobs()).toHaveLength(1);
  });

  test("of an engine that came later is filled with what Postgres knows", async () => {
    const ids = [shop.put({ title: "Kettle" }), shop.put({ title: "Pan" })];
    await shop.index(ids, { engine: null });
    expect(await rowOf(ids[1]!)).toMatchObject({ version: 1, enqueued: 0 });
    await shop.index([ids[0]!]);
    expect(await jobs()).toEqual([`product:${ids[1]}`]);
  });
});

describe("stock", () => {
  const level = async (productId: string, onHand: number) => {
    const [variant] = shop.shelf().get(productId)!.variants;
    await shop.sql`
      INSERT INTO inventory.location (store_id, id, name) VALUES (${shop.storeId}, 'loc_1', 'Main') ON CONFLICT DO NOTHING`;
    await shop.sql`
      INSERT INTO inventory.level AS l (store_id, variant_id, location_id, product_id, on_hand)
      VALUES (${shop.storeId}, ${variant!.id}, 'loc_1', ${productId}, ${onHand})
      ON CONFLICT (store_id, variant_id, location_id) DO UPDATE SET on_hand = excluded.on_hand`;
  };
  const documentOf = async (productId: string) =>
    (
      await shop.sql`SELECT document, in_stock, words FROM search.document WHERE product_id = ${productId}`
    )[0]!;

  test("is sent by itself where it differs, and the rest of the document stays as it is", async () => {
    const [a, b] = (await shop.stock({ title: "one", available: 5 }, { title: "two", available: 5 })) as [
      string,
      string,
    ];
    const before = await documentOf(a);
    await level(a, 0);
    await level(b, 5);
    await shop.restock([a, b, newId("prod")]);
    expect(sent()).toEqual([expect.arrayContaining([a, b]), [a]]);
    const { document, in_stock, words } = await documentOf(a);
    expect(in_stock).toBe(false);
    expect(document).toMatchObject({ title: "one", inStock: false, item: { available: 0, inStock: false } });
    expect(document.item.variants[0]).toEqual({ ...before.document.item.variants[0], available: 0 });
    expect(words).toEqual(before.words);
    expect(await rowOf(a)).toMatchObject({ version: 2, confirmed: 2, task: null });
  });

  test("comes through beside full indexing, whatever comes first", async () => {
    const [id] = (await shop.stock({ title: "one", available: 5 })) as [string];
    await level(id, 3);
    shop.put({ title: "new title", available: 3 }, id);
    const [variant] = shop.shelf().get(id)!.variants;
    await shop.sql`UPDATE inventory.level SET variant_id = ${variant!.id} WHERE product_id = ${id}`;
    await Promise.all([shop.restock([id]), shop.index([id]), shop.restock([id])]);
    const { document } = await documentOf(id);
    expect(document).toMatchObject({ title: "new title", item: { available: 3 } });
    expect(held()).toEqual({ [id]: "new title" });
  });
});
