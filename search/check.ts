/**
 * Compares what search holds with what the shop has, and repairs it. For the night: jobs keep both up to date, and this finds
 * what they could not know of, such as a lost event, a bug, or a hand in the engine.
 *
 *   1 a sample of products is composed from the database as it is now; where `search.document` differs, it is written and sent
 *   2 checksums of the same products' documents in the engine; those that differ are sent whole
 *   3 counts. Where they differ, or 2 found something, all versions are compared, not only the sample's, and what the
 *     engine holds of nobody is removed
 *
 * Products that change meanwhile may seem to differ: they are sent once more, which changes nothing.
 */

import * as store from "./check.store.ts";
import { checksum, type SearchDocument } from "./document.ts";
import type { IndexedEngine } from "./engine.ts";
import { type IndexerDeps, type IndexOptions, indexProducts } from "./indexer.ts";
import { withIndexLock } from "./lock.ts";
import { differences } from "./reindex.verify.ts";

export type CheckDeps = IndexerDeps & {
  /** Ids of all products in their order, after `after`. */
  readonly productIds: (
    sql: IndexerDeps["sql"],
    storeId: string,
    after: string,
    limit: number,
  ) => Promise<string[]>;
};

export type Check = {
  /** Products whose content was compared. */
  readonly compared: number;
  /** Products that the database had otherwise than `search.document`. */
  readonly stale: number;
  /** Products that the engine had otherwise, or should not have had. */
  readonly repaired: number;
};

const SAMPLE = 1_000;
const BATCH = 500;

export async function checkIndex(
  deps: CheckDeps,
  storeId: string,
  options: { sample?: number; signal?: AbortSignal } = {},
): Promise<Check> {
  const { sql, engine } = deps;
  const { sample = SAMPLE, signal } = options;
  const ids = await sampleOf(deps, storeId, sample);
  const before = await store.selectVersions(sql, storeId, ids);
  await index(deps, storeId, ids, { signal });
  const after = await store.selectVersions(sql, storeId, ids);
  const stale = [...after].filter(([id, version]) => before.get(id) !== version).length;
  const repaired = engine ? await repair(deps, engine, storeId, ids, signal) : 0;
  return { compared: ids.length, stale, repaired };
}

/** Half of what search knows, half of what the shop has: each may have what the other lacks. */
async function sampleOf(deps: CheckDeps, storeId: string, sample: number): Promise<string[]> {
  const half = Math.ceil(sample / 2);
  const known = await store.selectSample(deps.sql, storeId, half);
  const from = known[Math.floor(Math.random() * known.length)] ?? "";
  const [first, some] = await Promise.all([
    deps.productIds(deps.sql, storeId, "", half),
    deps.productIds(deps.sql, storeId, from, half),
  ]);
  return [...new Set([...known, ...some, ...first.slice(0, half - some.length)])];
}

async function repair(
  deps: CheckDeps,
  engine: IndexedEngine,
  storeId: string,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const wrong = new Set<string>();
  for (let from = 0; from < ids.length; from += BATCH) {
    for (const id of await differing(deps, engine, storeId, ids.slice(from, from + BATCH))) wrong.add(id);
  }
  const expected = await store.selectConfirmed(deps.sql, storeId);
  const count =
    expected.size === 0 && (await engine.identity(storeId)) === null ? 0 : await engine.count(storeId);
  if (wrong.size > 0 || count !== expected.size) {
    for (const id of await differences(engine, storeId, expected)) wrong.add(id);
  }
  // What nobody knows gets a tombstone: it is removed like any other product that is gone.
  await withIndexLock(deps.sql, storeId, held => store.insertTombstones(held, storeId, [...wrong]));
  await index(deps, storeId, [...wrong], { doubtful: [...wrong], signal });
  return wrong.size;
}

/** Of these, the ones that the engine has otherwise than it confirmed. */
async function differing(
  deps: CheckDeps,
  engine: IndexedEngine,
  storeId: string,
  ids: readonly string[],
): Promise<string[]> {
  const rows = await store.selectSettled(deps.sql, storeId, ids);
  if (rows.length === 0) return [];
  const held = await engine.checksums(
    storeId,
    rows.map(row => row.productId),
  );
  const wanted = (document: SearchDocument | null) => (document ? checksum(document) : undefined);
  return rows.filter(row => held.get(row.productId) !== wanted(row.document)).map(row => row.productId);
}

async function index(
  deps: CheckDeps,
  storeId: string,
  ids: readonly string[],
  { doubtful = [], signal }: { doubtful?: string[]; signal: AbortSignal | undefined },
): Promise<void> {
  const options: IndexOptions = signal ? { doubtful, signal } : { doubtful };
  for (let from = 0; from < ids.length; from += BATCH) {
    await indexProducts(deps, storeId, ids.slice(from, from + BATCH), options);
  }
}
