/**
 * Brings search up to date with products: `search.document`, which is also the fallback's index, and the engine.
 *
 * The engine can't be asked to keep what is newer: whatever task runs last is what it holds. So we see to the order:
 *
 *   1. project  current products → search.document; the version rises where the content changed, a product that is
 *               gone becomes a tombstone. Committed by itself: the fallback knows at once, whatever the engine does
 *   2. send     what is above enqueued_version is posted; the engine answers when the task is in its queue
 *   3. record   enqueued_version and the task; committed together with 2
 *   4. confirm  the tasks that hold our products are awaited, also those that others enqueued; then confirmed_version.
 *               Only now are the jobs done
 *
 * 1 is done under the cluster's one lock of this index, and so are 2 and 3 together (lock.ts). What is written or sent is
 * read under it, so a later writer never knows less than an earlier one; the lock ends when the task is in the queue, for
 * tasks of an index run in order. So an update can't overtake a newer one or a removal, and a job whose change another
 * one has sent already sends nothing but still waits for it.
 *
 * What a crash, a lost connection or an error does:
 *   before 2           nothing was sent; the job comes again and finds version > enqueued_version
 *   between 2 and 3    sent, but not recorded. The job comes again, and as it has been tried before, its products are
 *                      `doubtful`: they are sent again, with the content of then, whatever the row says. The lock can
 *                      only be lost together with the connection that records, so who sends late, after others got the
 *                      lock, always ends here
 *   between 3 and 4    recorded; the job comes again and sends and awaits again. A task that failed or that the engine
 *                      forgot takes enqueued_version back to confirmed_version, so that whoever comes next sends again
 *   after 4            a redelivered job writes and sends the same once more
 *   engine emptied     index-state.ts sees another index there and fills it anew
 *
 * A task that the engine refuses is sent again product by product, so that one bad document fails alone.
 *
 * What is sent is partial (price, stock, popularity) where the queue holds the rest already, which enqueued_version tells;
 * for a doubtful product, and after a lost task, it does not.
 */
import type { SearchSource } from "../commerce/storefront/index.ts";
import type { Db, Sql, Tx } from "../platform/postgres/index.ts";
import { searchDocument } from "./document.ts";
import { EngineRefusal, type IndexedEngine, type TaskOutcome } from "./engine.ts";
import { prepareIndex } from "./index-state.ts";
import { withIndexLock } from "./lock.ts";
import * as rows from "./store.ts";
import { taskOutcome } from "./tasks.ts";

export type Products = (sql: Sql, storeId: string, ids: readonly string[]) => Promise<SearchSource[]>;

export type IndexerDeps = {
  readonly sql: Db;
  /** Null: Postgres is the only engine. */
  readonly engine: IndexedEngine | null;
  /** Current products by id; those that shops may not see are absent (storefront's `searchSources`). */
  readonly products: Products;
};

export type IndexOptions = {
  /** Products whose jobs were tried before: what was sent for them is unknown. */
  readonly doubtful?: readonly string[];
  readonly signal?: AbortSignal;
};

export type IndexOutcome =
  | { readonly type: "indexed" }
  /** The engine won't have this document; it keeps the last one it took. */
  | { readonly type: "refused"; readonly error: string }
  /** The engine lost the task: index again. */
  | { readonly type: "lost"; readonly error: string };

const INDEXED: IndexOutcome = { type: "indexed" };

/**
 * Indexes the products of one store and returns what became of each. Safe to run many times and at the same time.
 * @throws when the engine or the database does not answer; then nothing is known and all are to be indexed again.
 */
export function indexProducts(
  deps: IndexerDeps,
  storeId: string,
  ids: readonly string[],
  options: IndexOptions = {},
): Promise<Map<string, IndexOutcome>> {
  return bring(deps, storeId, ids, options, (held, some) => project(deps, held, storeId, some));
}

/**
 * As {@link indexProducts} for products of which nothing but the stock has changed: it alone is read and written. A product
 * that search does not know (yet) is left alone; whoever makes its document reads the stock then.
 */
export function restockProducts(
  deps: IndexerDeps,
  storeId: string,
  ids: readonly string[],
  options: IndexOptions = {},
): Promise<Map<string, IndexOutcome>> {
  return bring(deps, storeId, ids, options, (held, some) => rows.writeStock(held, storeId, some));
}

/** The steps of the protocol; `write` is the first. */
async function bring(
  deps: IndexerDeps,
  storeId: string,
  ids: readonly string[],
  { doubtful = [], signal }: IndexOptions,
  write: (held: Tx, productIds: string[]) => Promise<unknown>,
): Promise<Map<string, IndexOutcome>> {
  const productIds = [...new Set(ids)];
  const { engine } = deps;
  const outcomes = new Map<string, IndexOutcome>(productIds.map(id => [id, INDEXED]));
  const withLock = <T>(work: (held: Tx) => Promise<T>) => withIndexLock(deps.sql, storeId, work);
  await withLock(held => write(held, productIds));
  if (!engine) return outcomes;
  const tasks = await withLock(async held => {
    await prepareIndex({ sql: deps.sql, engine }, held, storeId, productIds);
    return send(engine, held, { storeId, productIds, doubtful });
  });
  const refused = await confirm({ ...deps, engine }, storeId, tasks, outcomes, signal);
  if (refused.length > 0) await oneByOne({ ...deps, engine }, storeId, refused, outcomes, signal);
  return outcomes;
}

export type Projected = rows.Versions & { readonly contents: readonly rows.Content[] };

/** Step 1, also of a rebuild. */
export async function project(
  deps: Pick<IndexerDeps, "products">,
  held: Sql,
  storeId: string,
  productIds: readonly string[],
): Promise<Projected> {
  const products = await deps.products(held, storeId, productIds);
  const byId = new Map(products.map(product => [product.id, product]));
  const contents = productIds.map(productId => {
    const product = byId.get(productId);
    const document = product ? searchDocument(product) : null;
    return { productId, document, json: document && JSON.stringify(document) };
  });
  return { contents, ...(await rows.writeDocuments(held, storeId, contents)) };
}

type Batch = { storeId: string; productIds: readonly string[]; doubtful: readonly string[] };

/** A post that the engine refuses as a whole is taken apart at once, still under the lock. */
type Awaited = rows.Unconfirmed & { readonly refusal?: string };

async function send(engine: IndexedEngine, held: Sql, batch: Batch): Promise<Awaited[]> {
  const { storeId, productIds, doubtful } = batch;
  const due = await rows.selectDue(held, storeId, productIds, doubtful);
  const refused: Awaited[] = [];
  if (due.length > 0) {
    const versions = new Map(due.map(one => [one.productId, one.version]));
    try {
      const tasks = await engine.enqueue(storeId, due);
      const sent = tasks.flatMap(({ task, productIds }) =>
        productIds.map(productId => ({ productId, task, version: versions.get(productId)! })),
      );
      await rows.recordEnqueued(held, storeId, sent);
    } catch (error) {
      if (!(error instanceof EngineRefusal)) throw error;
      refused.push({ task: -1, productIds: [...versions.keys()], refusal: error.message });
    }
  }
  const taken = new Set(refused.flatMap(one => one.productIds));
  const others = productIds.filter(id => !taken.has(id));
  return [...refused, ...(await rows.selectUnconfirmed(held, storeId, others))];
}

type EngineDeps = IndexerDeps & { readonly engine: IndexedEngine };

/** Awaits the tasks, then records what became of them, and returns the products of those that were refused. */
async function confirm(
  deps: EngineDeps,
  storeId: string,
  tasks: readonly Awaited[],
  outcomes: Map<string, IndexOutcome>,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const ended: { one: Awaited; outcome: TaskOutcome }[] = [];
  for (const one of tasks) {
    const { refusal } = one;
    const outcome = refusal
      ? ({ type: "refused", error: refusal } as const)
      : await taskOutcome(deps.engine, one.task, signal);
    ended.push({ one, outcome });
  }
  await record(deps, storeId, ended);
  const failed = ended.filter(({ outcome }) => outcome.type !== "succeeded");
  for (const { one, outcome } of failed)
    for (const id of one.productIds) outcomes.set(id, outcome as IndexOutcome);
  return failed.filter(({ outcome }) => outcome.type === "refused").flatMap(({ one }) => one.productIds);
}

/** Under the lock like every write of these rows, which therefore need no order among themselves. */
async function record(
  deps: EngineDeps,
  storeId: string,
  ended: readonly { one: Awaited; outcome: TaskOutcome }[],
): Promise<void> {
  if (ended.length === 0) return;
  await withIndexLock(deps.sql, storeId, async held => {
    for (const { one, outcome } of ended) {
      if (outcome.type === "succeeded") await rows.recordConfirmed(held, storeId, one);
      else await rows.recordLost(held, storeId, one);
    }
  });
}

/** A task for each product. All are in the queue before the first is awaited: the engine takes them together. */
async function oneByOne(
  deps: EngineDeps,
  storeId: string,
  productIds: readonly string[],
  outcomes: Map<string, IndexOutcome>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const tasks = await withIndexLock(deps.sql, storeId, async held => {
    const sent: Awaited[] = [];
    for (const productId of productIds) {
      sent.push(
        ...(await send(deps.engine, held, { storeId, productIds: [productId], doubtful: [productId] })),
      );
    }
    return sent;
  });
  for (const id of productIds) outcomes.set(id, INDEXED);
  await confirm(deps, storeId, tasks, outcomes, signal);
}
