/**
 * What a node makes before it is asked, so that the first shoppers after a start or a deploy need not wait: first the
 * categories and collections of its shops, for which readiness waits ({@link LOOKUPS_MS} at most, so that nothing that is away
 * keeps a node out); then, beside the first requests, the products that sell most and the queries that are asked most. Nodes
 * beside it have most of that in Redis already. A few at a time and for a bounded time: shoppers come first. What fails is
 * left out; it will be made for whoever asks for it.
 */
import { mostPopular } from "../../../commerce/storefront/index.ts";
import { listStores } from "../../../commerce/stores/index.ts";
import { mostSearched } from "../../../search/index.ts";
import type { ApiDeps } from "../deps.ts";
import { perNode, reading } from "../http/per-node.ts";
import { searchOf } from "../routes/store/search.ts";
import { askCategories, askCollections, askProduct, GROUP_PAGE } from "./catalog.ts";
import { cacheOf } from "./index.ts";

const PRODUCTS = 100;
const SEARCHES = 50;
/** Shops whose look-ups are made; the oldest. */
const LOOKED_UP_STORES = 100;
/** Shops among which is looked for what is popular. */
const STORES = 1_000;
const AT_ONCE = 3;
export const LOOKUPS_MS = 3_000;
const POPULAR_MS = 15_000;

export type Warmed = { made: number; failed: number; ms: number };

export type WarmUp = {
  /** Look-ups are being made. */
  readonly isPending: boolean;
  /** Neither throws. */
  lookups(): Promise<Warmed>;
  popular(): Promise<Warmed>;
};

type Task = () => Promise<unknown>;

export const warmUpOf = perNode((deps: ApiDeps): WarmUp => {
  let isPending = false;
  return {
    get isPending() {
      return isPending;
    },
    async lookups() {
      isPending = true;
      const warmed = await run(deps, lookupTasks, LOOKUPS_MS);
      isPending = false;
      return warmed;
    },
    popular: () => run(deps, popularTasks, POPULAR_MS),
  };
});

async function lookupTasks(deps: ApiDeps): Promise<Task[]> {
  const { cache } = cacheOf(deps);
  const stores = await listStores(deps.sql, { limit: LOOKED_UP_STORES });
  return stores.flatMap(({ id }) =>
    [askCategories, askCollections].map(ask => () => cache.get(ask(deps, id, { limit: GROUP_PAGE }))),
  );
}

async function popularTasks(deps: ApiDeps): Promise<Task[]> {
  const { cache } = cacheOf(deps);
  const read = reading(deps);
  const storeIds = (await listStores(deps.sql, { limit: STORES })).map(store => store.id);
  const [products, queries] = await Promise.all([
    read(sql => mostPopular(sql, storeIds, PRODUCTS)),
    read(sql => mostSearched(sql, storeIds, SEARCHES)),
  ]);
  return [
    ...queries.map(
      ({ storeId, query }) =>
        () =>
          searchOf(deps).prepare(storeId, { q: query }),
    ),
    // Shops ask by either name.
    ...products.flatMap(({ storeId, id, handle }) =>
      [handle, id].map(name => () => cache.get(askProduct(deps, storeId, name))),
    ),
  ];
}

/** Ends with the time, or when the node leaves; what is under way then ends by itself. */
async function run(deps: ApiDeps, tasksOf: (deps: ApiDeps) => Promise<Task[]>, ms: number): Promise<Warmed> {
  const startedAt = performance.now();
  const counts = { made: 0, failed: 0 };
  let isOver = false;
  const work = async () => {
    // Before the log was read nothing that is made is kept.
    await cacheOf(deps).ready;
    const tasks = isOver ? [] : (await tasksOf(deps)).values();
    const one = async () => {
      for (const task of tasks) {
        if (isOver || deps.drain?.active) return;
        await task().then(
          () => counts.made++,
          () => counts.failed++,
        );
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  };
  const { promise: time, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const worked = work().catch(error => deps.log.warn({ err: error }, "the cache was not warmed"));
  await Promise.race([worked, time]);
  isOver = true;
  clearTimeout(timer);
  return { ...counts, ms: Math.round(performance.now() - startedAt) };
}
