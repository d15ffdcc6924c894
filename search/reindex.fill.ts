/** Looks all products through as they are now, page by page, from the checkpoint on: writes what differs, and sends it. */
import type { Db, Sql } from "../platform/postgres/index.ts";
import type { Change, IndexedEngine } from "./engine.ts";
import { type Products, project } from "./indexer.ts";
import { withIndexLock } from "./lock.ts";
import { readAhead } from "./reindex.ahead.ts";
import type { Beside } from "./reindex.beside.ts";
import * as store from "./reindex.store.ts";

export type ReindexDeps = {
  readonly sql: Db;
  /** Null: Postgres is the only engine; its documents are made anew. */
  readonly engine: IndexedEngine | null;
  readonly products: Products;
  /** Ids of all products in their order, after `after`. */
  readonly productIds: (sql: Sql, storeId: string, after: string, limit: number) => Promise<string[]>;
  readonly countProducts: (sql: Sql, storeId: string) => Promise<number>;
};

export type Progress = {
  readonly signal?: AbortSignal | undefined;
  readonly onProducts?: ((done: number, total: number) => void) | undefined;
};

/** Products that are composed under one hold of the lock, for which jobs of the store wait. */
export const PAGE = 1_000;
/** Of one bundle. */
const MAX_PAGES = 5;
/**
 * While a bundle of pages is posted and noted, the next one is composed. Bundles grow: the engine shall begin early, and it is
 * done sooner with few large tasks than with many small ones. `known`: the new index was sent what search knew before, and is
 * sent only what is written now.
 */
export async function fill(
  deps: ReindexDeps,
  build: store.Running,
  beside: Beside | null,
  { signal, onProducts, known = false }: Progress & { readonly known?: boolean },
): Promise<void> {
  let { done } = build;
  let after: string | null = build.checkpoint;
  let pages = 1;
  await readAhead(
    async () => {
      if (after === null || beside?.superseded) return null;
      const bundle: Bundle = await gather(deps, build, { after, pages, known }, signal);
      after = bundle.after;
      pages = Math.min(2 * pages, MAX_PAGES);
      return bundle;
    },
    async ({ changes, products, checkpoint }) => {
      await beside?.send(changes);
      await store.advance(deps.sql, build, checkpoint, products);
      done += products;
      onProducts?.(done, Math.max(done, build.total));
    },
  );
}

type Bundle = {
  changes: Change[];
  products: number;
  checkpoint: string;
  /** Where the next one begins; null: there is none. */
  after: string | null;
};

async function gather(
  deps: ReindexDeps,
  build: store.Running,
  { after: from, pages, known }: { after: string; pages: number; known: boolean },
  signal: AbortSignal | undefined,
): Promise<Bundle> {
  const bundle: Bundle = { changes: [], products: 0, checkpoint: from, after: from };
  for (let i = 0; i < pages && bundle.after !== null; i++) {
    signal?.throwIfAborted();
    const after: string = bundle.after;
    const page = await deps.productIds(deps.sql, build.storeId, after, PAGE);
    const last = page.length === PAGE ? page.at(-1)! : null;
    bundle.changes.push(...(await composePage(deps, build, { after, last, page, known })));
    bundle.products += page.length;
    bundle.checkpoint = last ?? page.at(-1) ?? after;
    bundle.after = last;
  }
  return bundle;
}

type Page = { after: string; last: string | null; page: readonly string[]; known: boolean };

/** With the products that search still shows and that are not there any more; they lie between the others, or behind. */
async function composePage(
  deps: ReindexDeps,
  { storeId }: store.Running,
  { after, last, page, known }: Page,
): Promise<Change[]> {
  const changes = await composeSome(deps, storeId, page, known);
  const present = new Set(page);
  for (let from: string | null = after; from !== null; ) {
    const shown = await store.selectShown(deps.sql, storeId, { after: from, last, limit: PAGE });
    const gone = shown.filter(id => !present.has(id));
    changes.push(...(await composeSome(deps, storeId, gone, known)));
    from = shown.length === PAGE ? shown.at(-1)! : null;
  }
  return changes;
}

/** Writes what differs, and gives the documents that the index shall be sent. */
async function composeSome(
  deps: ReindexDeps,
  storeId: string,
  ids: readonly string[],
  known: boolean,
): Promise<Change[]> {
  if (ids.length === 0) return [];
  const { contents, versions, written } = await withIndexLock(deps.sql, storeId, held =>
    project(deps, held, storeId, ids),
  );
  return contents.flatMap(({ productId, document, json }) =>
    document && json !== null && (!known || written.has(productId))
      ? [{ productId, document, json, version: versions.get(productId)! }]
      : [],
  );
}
