import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoCatalog } from "../../../commerce/demo/index.ts";
import { createImport, receiveFile, runImport } from "../../../commerce/imports/index.ts";
import { mostPopular, rebuildNow } from "../../../commerce/storefront/index.ts";
import { createStore } from "../../../commerce/stores/index.ts";
import { createMetrics } from "../../../platform/metrics.ts";
import { openStorage } from "../../../platform/storage/index.ts";
import { createApp } from "../app.ts";
import { searchOf } from "../routes/store/search.ts";
import { type TestApi, testApi } from "../testing.ts";
import { cacheOf } from "./index.ts";
import { warmUpOf } from "./warm-up.ts";

let api: TestApi;
let mediaDir: string;
const nodes: (() => void)[] = [];

beforeAll(async () => {
  mediaDir = await mkdtemp(join(tmpdir(), "tradewind-warm-up-"));
  api = await testApi({ config: { mediaDir } });
  const storage = openStorage(api.deps.config);
  const deps = { sql: api.sql, storage };
  const origin = { storeId: api.store.id };
  const staged = await receiveFile(storage, Bun.file(demoCatalog).stream() as never);
  const { id } = await createImport(deps, origin, { fileName: "demo.csv", inventory: "new", staged });
  await runImport(deps, origin, id);
  await rebuildNow(api.sql, api.store.id);
  await api.sql`
    INSERT INTO search.query_day (store_id, day, query, searches, without_result)
    VALUES (${api.store.id}, (now() AT TIME ZONE 'UTC')::date, 'mug', 9, 0),
           (${api.store.id}, (now() AT TIME ZONE 'UTC')::date, 'unicorn', 90, 90)`;
}, 120_000);

afterAll(async () => {
  for (const stop of nodes) stop();
  await api.close();
  await rm(mediaDir, { recursive: true });
});

/** A node that has just started. */
function startNode() {
  const deps = { ...api.deps, metrics: createMetrics("node") };
  const app = createApp(deps);
  nodes.push(() => cacheOf(deps).stop());
  const get = (path: string) =>
    app.handle(
      new Request(`http://localhost${path}`, { headers: { "x-publishable-key": api.keys.publishable } }),
    );
  const cached = async (path: string) => (await get(path)).headers.get("x-cache");
  return { deps, get, cached, warmUp: warmUpOf(deps) };
}

test("a node that has made its look-ups gives them from its memory, and nothing else", async () => {
  const { cached, warmUp } = startNode();
  const warmed = await warmUp.lookups();
  expect(warmed).toMatchObject({ made: 2, failed: 0 });
  expect(await cached("/store/categories")).toBe("HIT");
  expect(await cached("/store/collections")).toBe("HIT");
  expect(await cached("/store/products/harbour-mug")).toBe("MISS");
});

test("what sells and what is searched for is there before the first who asks, and counts as nobody's search", async () => {
  const { deps, cached, get, warmUp } = startNode();
  expect(await warmUp.popular()).toMatchObject({ made: 51, failed: 0 });
  const { id } = (await (await get("/store/products/harbour-mug")).json()) as { id: string };
  expect(await cached("/store/products/harbour-mug")).toBe("HIT");
  expect(await cached(`/store/products/${id}`)).toBe("HIT");
  await searchOf(deps).counter.flush();
  const [row] = await api.sql`SELECT searches FROM search.query_day WHERE query = 'mug'`;
  expect(row!.searches).toBe(9);
  expect(await cached("/store/search?q=mug")).toBe("HIT");
  expect(await cached("/store/search?q=unicorn")).toBe("MISS");
});

test("the most popular products are those that sold most in all shops together", async () => {
  const other = await createStore(api.sql, { name: "Empty", currency: "EUR" });
  const stores = [other.id, api.store.id];
  const all = await mostPopular(api.sql, stores, 100);
  expect(all.length).toBe(25);
  const [first, second] = [all[20]!, all[7]!];
  await api.sql`UPDATE storefront.listing SET popularity = 50 WHERE product_id = ${first.id}`;
  await api.sql`UPDATE storefront.listing SET popularity = 40 WHERE product_id = ${second.id}`;
  expect(await mostPopular(api.sql, stores, 2)).toEqual([first, second]);
});

test("readiness waits for look-ups, for a bounded time, and not for what is popular", async () => {
  const { get, warmUp } = startNode();
  const status = async () => {
    const answer = await get("/readyz");
    return [answer.status, ((await answer.json()) as { status: string }).status];
  };
  expect(await status()).toEqual([200, "ready"]);
  const locked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const holder = api.sql.begin(async tx => {
    await tx`LOCK TABLE catalog.category, storefront.product_summary IN ACCESS EXCLUSIVE MODE`;
    locked.resolve();
    await release.promise;
  });
  await locked.promise;
  let popular: Promise<unknown> | undefined;
  try {
    const lookups = warmUp.lookups();
    expect(await status()).toEqual([503, "warming"]);
    await lookups;
    expect(await status()).toEqual([200, "ready"]);
    popular = warmUp.popular();
    expect(await status()).toEqual([200, "ready"]);
  } finally {
    release.resolve();
    await holder;
    await popular;
  }
}, 120_000);
