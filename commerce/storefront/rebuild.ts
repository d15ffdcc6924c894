/**
 * Makes all summaries of a store anew: after a change of their shape, or when somebody doubts them.
 *
 *     queued ──begin──▶ running ──past the last product──▶ done
 *
 * Each page is summarised, and then the checkpoint moves; a crash in between repeats a page, which changes nothing. One
 * open rebuild a store. Shops go on reading meanwhile: rows are corrected one page after the other, never emptied.
 */
import { emit, type Origin } from "../../bus/index.ts";
import { newId } from "../../platform/ids.ts";
import { type Db, type Sql, transaction } from "../../platform/postgres/index.ts";
import { countProducts, productIdsAfter } from "../catalog/index.ts";
import { listStores } from "../stores/index.ts";
import * as store from "./rebuild.store.ts";
import { selectSummaryIds } from "./summary.store.ts";
import { summarise } from "./summary.ts";

export type Build = store.Build;

/** Rises when summaries get another shape: keepers then have every store's made anew. */
const SHAPE = 1;
const PAGE = 500;
const STORES = 500;

/** The open rebuild of the store, or a new one and its job. */
export function requestRebuild(sql: Db, origin: Origin): Promise<Build> {
  return transaction(sql, async tx => {
    const id = newId("build");
    if (await store.insertBuild(tx, origin.storeId, id, SHAPE)) {
      await emit(tx, origin, { type: "rebuild.requested", buildId: id });
    }
    return (await store.selectLatest(tx, [origin.storeId]))[0]!;
  });
}

/** For keepers: has the summaries made of every store whose summaries never were, or have an older shape. */
export async function ensureSummaries(sql: Db): Promise<number> {
  let requested = 0;
  for (let after = ""; ; ) {
    const stores = await listStores(sql, { after, limit: STORES });
    const built = await store.selectShaped(
      sql,
      stores.map(one => one.id),
      SHAPE,
    );
    for (const { id } of stores) {
      if (built.has(id)) continue;
      await requestRebuild(sql, { storeId: id });
      requested++;
    }
    if (stores.length < STORES) return requested;
    after = stores.at(-1)!.id;
  }
}

/** The latest rebuild of each of these stores. */
export function latestBuilds(sql: Sql, storeIds: readonly string[]): Promise<Build[]> {
  return store.selectLatest(sql, storeIds);
}

/** Goes on where the try before stopped, telling `onProducts` after each page. `unknown`: there is no such rebuild. */
export async function runRebuild(
  sql: Db,
  origin: Origin,
  buildId: string,
  signal?: AbortSignal,
  onProducts?: (done: number, total: number) => void,
): Promise<"done" | "unknown"> {
  const { storeId } = origin;
  const build = await store.begin(sql, storeId, buildId, await countProducts(sql, storeId));
  if (!build) return "unknown";
  if (build.status === "done") return "done";
  let { done } = build;
  for (let after: string | null = build.checkpoint; after !== null; ) {
    signal?.throwIfAborted();
    after = await rebuildPage(sql, origin, buildId, after);
    done = Math.min(build.total, done + PAGE);
    onProducts?.(done, build.total);
  }
  await store.finish(sql, storeId, buildId);
  return "done";
}

/** Summaries whose product is gone lie between the products of a page, or behind the last: they are done with it. */
async function rebuildPage(sql: Db, origin: Origin, buildId: string, after: string): Promise<string | null> {
  const { storeId } = origin;
  const ids = await productIdsAfter(sql, storeId, after, PAGE);
  const last = ids.length === PAGE ? ids.at(-1)! : null;
  for (let from: string | null = after; from !== null; ) {
    const old = await selectSummaryIds(sql, storeId, { after: from, last, limit: PAGE });
    const known = new Set(ids);
    await summarise(
      sql,
      origin,
      old.filter(id => !known.has(id)),
    );
    from = old.length === PAGE ? old.at(-1)! : null;
  }
  await summarise(sql, origin, ids);
  if (last !== null) await store.advance(sql, storeId, buildId, last, ids.length);
  else await store.advance(sql, storeId, buildId, ids.at(-1) ?? after, ids.length);
  return last;
}

/** Makes all summaries of a store here and now; for seeds and tests. */
export async function rebuildNow(sql: Db, storeId: string): Promise<void> {
  const { id } = await requestRebuild(sql, { storeId });
  await runRebuild(sql, { storeId }, id);
}
