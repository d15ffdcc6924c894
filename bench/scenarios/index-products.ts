/**
 * A store's products from Postgres into Meilisearch: what a reindex does (read, compose, compare with what was written, send,
 * verify, swap), beside the same documents sent to the same engine in bulk as fast as it takes them (the limit).
 *
 * Exact: the engine counts as many documents as the shop has products, under the store's name.
 */
import { countProducts, productIdsAfter } from "../../commerce/catalog/index.ts";
import { seedProducts } from "../../commerce/demo/index.ts";
import { searchSources } from "../../commerce/storefront/index.ts";
import { createStore } from "../../commerce/stores/index.ts";
import type { Db } from "../../platform/postgres/index.ts";
import { type IndexedEngine, openMeilisearch, requestReindex, runReindex } from "../../search/index.ts";
import type { Report, Scenario } from "../scenario.ts";
import { figuresOf, type Measured, round } from "../stats.ts";

const PRODUCTS = 100_000;
const POST = 5_000;
const TARGET = 0.8;

export const indexScenario: Scenario = {
  name: "index",
  about: "100,000 products from Postgres into the search engine, beside the engine alone",
  seconds: 0,
  async run(stack, { quick, say }): Promise<Report> {
    const products = quick ? PRODUCTS / 5 : PRODUCTS;
    const runs = quick ? 2 : 3;
    const { url, key } = await stack.startMeilisearch();
    const engine = openMeilisearch({ url, key });
    const store = await createStore(stack.sql, { name: "Bench", currency: "EUR" });
    say(`index: a shop of ${products} products`);
    await seedProducts(stack.sql, store, products, { announce: false });
    await stack.sql`VACUUM ANALYZE`;
    say("index: for the first time");
    const first = await reindex(stack.sql, engine, store.id, products);
    await stack.sql`VACUUM ANALYZE search.document`;
    const ours: Measured[] = [];
    const limit: Measured[] = [];
    for (let i = 0; i < runs; i++) {
      say(`index: run ${i + 1} of ${runs}`);
      limit.push(await bulk(stack.sql, engine, store.id, `bench${i}`, products));
      ours.push(await reindex(stack.sql, engine, store.id, products));
    }
    const [mine, best, once] = [figuresOf(ours), figuresOf(limit), figuresOf([first])];
    const ofLimit = round(mine.perSecond / best.perSecond);
    const target = `at least ${TARGET} of the engine's own rate`;
    return {
      runs,
      exact: (await engine.count(store.id)) === products,
      ours: mine,
      limit: { name: `the same documents, ${POST} a post, without Postgres`, ...best },
      ofLimit,
      cases: [
        { name: "reindex", ...mine, ofLimit, target, ok: ofLimit >= TARGET },
        {
          name: "first indexing, which writes the fallback's index too",
          ...once,
          ofLimit: round(once.perSecond / best.perSecond),
        },
      ],
      notes: [
        `${products} products of two variants; rates are products a second until the engine has done all`,
      ],
    };
  },
};

async function timed(products: number, work: () => Promise<void>): Promise<Measured> {
  const startedAt = performance.now();
  await work();
  return { count: products, seconds: (performance.now() - startedAt) / 1_000, latenciesMs: [] };
}

function reindex(sql: Db, engine: IndexedEngine, storeId: string, products: number): Promise<Measured> {
  const deps = { sql, engine, products: searchSources, productIds: productIdsAfter, countProducts };
  return timed(products, async () => {
    const { id } = await requestReindex(sql, { storeId });
    const ended = await runReindex(deps, storeId, id);
    if (ended.type !== "done") throw new Error(`the reindex ended as ${ended.type}`);
  });
}

type Row = { productId: string; version: number; document: never };

/** Into an index of its own with the same settings, which is removed afterwards. */
async function bulk(
  sql: Db,
  engine: IndexedEngine,
  storeId: string,
  name: string,
  products: number,
): Promise<Measured> {
  const rows = await sql<Row[]>`
    SELECT product_id AS "productId", version, document FROM search.document WHERE store_id = ${storeId}`;
  const index = `${storeId}/${name}`;
  const own = { synonyms: [], stopWords: [], languages: [] };
  await ended(engine, [await engine.applySettings(index, own)]);
  const measured = await timed(products, async () => {
    const tasks: number[] = [];
    for (let from = 0; from < rows.length; from += POST) {
      const sent = await engine.enqueue(index, rows.slice(from, from + POST));
      tasks.push(...sent.map(one => one.task));
    }
    await ended(engine, tasks);
  });
  if ((await engine.count(index)) !== products) throw new Error("the bulk is not complete");
  await engine.drop(index);
  return measured;
}

async function ended(engine: IndexedEngine, tasks: readonly number[]): Promise<void> {
  for (const task of tasks) {
    for (;;) {
      const { type } = await engine.taskState(task);
      if (type === "succeeded") break;
      if (type !== "pending") throw new Error(`a task was ${type}`);
      await Bun.sleep(20);
    }
  }
}
