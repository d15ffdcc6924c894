import { afterEach, beforeEach, expect, test } from "bun:test";
import { contractOf, type Job } from "../../bus/index.ts";
import { upsertProducts } from "../../commerce/catalog/index.ts";
import { createStore, type Store } from "../../commerce/stores/index.ts";
import { systemClock } from "../../platform/clock.ts";
import { loadConfig } from "../../platform/config.ts";
import { newId } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import { transaction } from "../../platform/postgres/index.ts";
import { type FreshDatabase, freshDatabase, testServers } from "../../platform/testing/index.ts";
import { createSearch, openMeilisearch } from "../../search/index.ts";
import type { BatchHandler, JobContext } from "../handler.ts";
import { searchIndexJob } from "./search.index.ts";

let database: FreshDatabase;
let stores: Store[];
const { meiliUrl, meiliKey } = await testServers();

beforeEach(async () => {
  database = await freshDatabase();
  stores = [
    await createStore(database.sql, { name: "One", currency: "EUR" }),
    await createStore(database.sql, { name: "Two", currency: "EUR" }),
  ];
}, 120_000);
afterEach(() => database.drop());

function handler(meili = meiliUrl): BatchHandler {
  const config = { ...loadConfig({}), meiliUrl: meili ?? undefined, meiliKey: meiliKey ?? undefined };
  const deps = {
    config,
    sql: database.sql,
    log: silentLog,
    clock: systemClock,
    metrics: createMetrics("test"),
  };
  return searchIndexJob.make(deps) as BatchHandler;
}

function jobOf(storeId: string, productId: string, attempt = 1): Job {
  const { kind, version, priority } = contractOf("search.index")!;
  const id = Bun.randomUUIDv7();
  return {
    id,
    kind,
    version,
    priority,
    storeId,
    key: "",
    attempt,
    traceparent: "",
    payload: { productId },
  };
}

const context: JobContext = {
  signal: new AbortController().signal,
  progress() {},
  delivery: 1,
  log: silentLog,
};

async function addProduct(store: Store, title: string): Promise<string> {
  const handle = title.toLowerCase();
  const input = {
    ref: 1,
    handle,
    title,
    status: "active" as const,
    variants: [{ ref: 1, optionValues: [], sku: handle }],
  };
  const { products } = await transaction(database.sql, tx => upsertProducts(tx, store.id, [input]));
  return products[0]!.id;
}

function finder() {
  const engine = meiliUrl ? openMeilisearch({ url: meiliUrl, key: meiliKey ?? undefined }) : null;
  const search = createSearch({
    sql: database.sql,
    engine,
    log: silentLog,
    metrics: createMetrics("test"),
  });
  return async (store: Store, q: string) => (await search(store.id, { q })).items.map(item => item.title);
}

test("a batch brings the products of every store to search, and drops what stores no longer show", async () => {
  const [one, two] = stores as [Store, Store];
  const mascara = await addProduct(one, "Mascara");
  const kettle = await addProduct(two, "Kettle");
  const { runBatch } = handler();
  const jobs = [jobOf(one.id, mascara), jobOf(two.id, kettle), jobOf(one.id, mascara)];
  expect(await runBatch(jobs, context)).toEqual(jobs.map(() => ({ type: "done" })));
  const find = finder();
  expect(await find(one, "mascarra")).toEqual(["Mascara"]);
  expect(await find(two, "mascarra")).toEqual([]);
  await database.sql`UPDATE catalog.product SET status = 'archived' WHERE id = ${mascara}`;
  expect(await runBatch([jobOf(one.id, mascara)], context)).toEqual([{ type: "done" }]);
  expect(await find(one, "mascara")).toEqual([]);
}, 120_000);

test("jobs of a store that does not exist are discarded; the others are done", async () => {
  const product = await addProduct(stores[0]!, "Kettle");
  const jobs = [jobOf(newId("store"), product), jobOf(stores[0]!.id, product)];
  const outcomes = await handler(null).runBatch(jobs, context);
  expect(outcomes).toEqual([{ type: "discard", reason: "there is no such store" }, { type: "done" }]);
});

test("while the engine is down jobs are to be tried again, and the fallback knows their products already", async () => {
  const product = await addProduct(stores[0]!, "Kettle");
  const jobs = [jobOf(stores[0]!.id, product)];
  const outcomes = await handler("http://127.0.0.1:1").runBatch(jobs, context);
  expect(outcomes).toMatchObject([{ type: "retry" }]);
  const search = createSearch({
    sql: database.sql,
    engine: null,
    log: silentLog,
    metrics: createMetrics("test"),
  });
  expect(await search(stores[0]!.id, { q: "kettle" })).toMatchObject({ total: 1, engine: "postgres" });
  expect(await handler().runBatch([jobOf(stores[0]!.id, product, 2)], context)).toEqual([{ type: "done" }]);
  expect(await finder()(stores[0]!, "kettle")).toEqual(["Kettle"]);
}, 120_000);
