/**
 * The work of a `catalog.import` job: reads the stored file and commits it batch by batch.
 *
 *     queued ──begin──▶ running ──last batch──▶ done
 *        └────────────────┴──file unreadable──▶ failed   (what was committed before stays)
 *
 * A batch commits its products, prices, stock, the jobs that follow (outbox) and the new checkpoint in one transaction,
 * under the lock of the import's row and only if the checkpoint is where the batch begins. So
 * - a crash before the commit leaves nothing of the batch, and one after it everything: the next try skips the records
 *   up to the checkpoint and cuts the rest into the same batches;
 * - two runs at once (a stalled worker and the redelivery) take turns: the one that finds the checkpoint moved reads
 *   the file again from there. Both may finish the import; the second finds it finished;
 * - a crash after the last batch but before `done`: the next try finds no records left and marks it done; one before the
 *   file is removed: the next try removes it.
 */
import { emit, type Origin } from "../../bus/index.ts";
import { type Db, type Tx, transaction } from "../../platform/postgres/index.ts";
import type { Storage } from "../../platform/storage/index.ts";
import { type UpsertResult, upsertProducts } from "../catalog/index.ts";
import { setPrices } from "../pricing/index.ts";
import { getStore } from "../stores/index.ts";
import { type Batch, batches, errorOf } from "./batch.ts";
import { type Header, parseHeader } from "./header.ts";
import { BrokenFileError, MAX_ERRORS, type RowError } from "./model.ts";
import { type CsvRecord, readRecords } from "./records.ts";
import { advance, begin, fail, finish, lockImport, type OpenImport, setStock } from "./store.ts";

export type ImportDeps = {
  sql: Db;
  storage: Storage;
  /** Rows after which is committed, the same at every try of an import; default 500. */
  batchRows?: number | undefined;
  /** Told after each commit: rows of the file that are done. */
  onRows?: ((rows: number) => void) | undefined;
};

/** `done` and `failed` are the states of the import; `gone`: there is none of that id. */
export type RunResult = "done" | "failed" | "gone";

/** Runs the import to its end. @throws the signal's reason when aborted between two batches. */
export async function runImport(
  deps: ImportDeps,
  origin: Origin,
  importId: string,
  signal?: AbortSignal,
): Promise<RunResult> {
  const { sql, storage } = deps;
  const { storeId } = origin;
  const opened = await begin(sql, storeId, importId);
  const store = opened && (await getStore(sql, storeId));
  if (!opened || !store) return "gone";
  const { batchRows, onRows } = deps;
  const run = { sql, origin, importId, currency: store.currency, batchRows, onRows };
  try {
    for (let state = opened; state.status === "running"; ) {
      const file = await storage.open(state.storageKey);
      if (!file) throw new BrokenFileError("The uploaded file is no longer there.");
      state = await commitAll(run, file.blob, state, signal);
    }
  } catch (error) {
    // Another run may have finished it, and removed the file, while this one was reading.
    if ((await begin(sql, storeId, importId))?.status === "running") {
      if (!(error instanceof BrokenFileError)) throw error;
      await fail(sql, storeId, importId, { reason: error.message, errors: error.errors });
    }
  }
  await storage.remove(opened.storageKey);
  return (await begin(sql, storeId, importId))?.status === "done" ? "done" : "failed";
}

type Run = {
  sql: Db;
  origin: Origin;
  importId: string;
  currency: string;
  batchRows: number | undefined;
  onRows: ImportDeps["onRows"];
};

/** Commits what lies behind the checkpoint; returns early, still `running`, when another run has moved it. */
async function commitAll(run: Run, file: Blob, state: OpenImport, signal?: AbortSignal): Promise<OpenImport> {
  const { header, records } = await openFile(file);
  try {
    const { checkpoint } = state;
    const { currency, batchRows: rows } = run;
    for await (const batch of batches(records, header, { checkpoint, currency, rows })) {
      signal?.throwIfAborted();
      const moved = await transaction(run.sql, tx => commitBatch(tx, run, batch));
      if (moved) return moved;
      run.onRows?.(batch.to);
    }
  } finally {
    await records.return?.();
  }
  await finish(run.sql, run.origin.storeId, run.importId);
  return { ...state, status: "done" };
}

/**
 * The header, and the records behind it.
 * @throws BrokenFileError when the beginning of the file is no header of a product file.
 */
export async function openFile(
  file: Blob,
): Promise<{ header: Header; records: AsyncGenerator<CsvRecord, void> }> {
  const records = readRecords(file);
  try {
    const first = await records.next();
    if (first.done) throw new BrokenFileError("The file is empty.");
    return { header: parseHeader(first.value.cells), records };
  } catch (error) {
    await records.return();
    throw error;
  }
}

/** Null when it was committed; the import as it is when the batch does not begin at its checkpoint. */
async function commitBatch(tx: Tx, run: Run, batch: Batch): Promise<OpenImport | null> {
  const { origin, importId } = run;
  const state = await lockImport(tx, origin.storeId, importId);
  if (!state) throw new BrokenFileError("The import was removed.");
  if (state.status !== "running" || state.checkpoint !== batch.from) return state;
  const result = await upsertProducts(tx, origin.storeId, batch.inputs);
  const changed = new Set([
    ...result.products.filter(product => product.change !== "unchanged").map(product => product.id),
    ...(await writePrices(tx, run, batch, result)),
    ...(await writeStock(tx, run, batch, result, state)),
  ]);
  await emit(tx, origin, ...[...changed].map(productId => ({ type: "product.changed" as const, productId })));
  await advance(tx, origin.storeId, importId, progressOf(batch, result, changed, state));
  return null;
}

function writePrices(tx: Tx, run: Run, batch: Batch, result: UpsertResult): Promise<string[]> {
  const prices = result.variants.map(({ ref, variantId, productId }) => {
    const { priceMinor, compareAtMinor } = batch.variants.get(ref)!;
    return { variantId, productId, amountMinor: priceMinor, compareAtMinor };
  });
  return setPrices(tx, run.origin.storeId, run.currency, prices);
}

/** The products whose stock this batch set. */
async function writeStock(
  tx: Tx,
  run: Run,
  batch: Batch,
  result: UpsertResult,
  state: OpenImport,
): Promise<string[]> {
  const rows = result.variants.flatMap(({ ref, variantId, productId }) => {
    const { onHand, backorder } = batch.variants.get(ref)!;
    return onHand === undefined ? [] : [{ variantId, productId, onHand, backorder, row: ref }];
  });
  const options = { mode: state.inventory, source: `import:${run.importId}` };
  const set = new Set(await setStock(tx, run.origin.storeId, rows, options));
  return rows.filter(row => set.has(row.variantId)).map(row => row.productId);
}

function progressOf(batch: Batch, result: UpsertResult, changed: ReadonlySet<string>, state: OpenImport) {
  const errors: RowError[] = [...batch.errors, ...result.refusals.map(errorOf)].sort((a, b) => a.row - b.row);
  const created = result.products.filter(product => product.change === "created").length;
  const touched = result.products.filter(product => changed.has(product.id)).length;
  return {
    checkpoint: batch.to,
    rows: batch.rows,
    products: result.products.length,
    variants: result.variants.length,
    created,
    updated: touched - created,
    unchanged: result.products.length - touched,
    errorCount: errors.length,
    errors: errors.slice(0, Math.max(0, MAX_ERRORS - state.kept)),
  };
}
