/**
 * Makes a store's index anew with no moment without one: beside the index that answers, which goes on being kept.
 *
 *     queued ─▶ building ─────────────────────────────────────────────────────────────────────▶ done | failed
 *       1 fill      what search knows already, as it is, into `<store>/<build>`; then every product page by page is looked through as it
 *                   is now, and what differs is written and sent; then the checkpoint moves
 *       2 replay    what has changed since it was sent (version > built.version), until little is left
 *       3 verify    where another run came before, or 4 met another count: which versions the new index holds. What differs is
 *                   sent again
 *       4 switch    under the lock of the index, so that nothing changes: replay the last few, compare counts, swap the two
 *                   names, and note that the engine holds what the new index was sent (`adopt`). The old index goes
 *
 * The new index has one writer: who takes a build on raises its `run`, and an earlier one can note nothing any more. What that
 * one still posts late is what 3 is for.
 *
 * Crash story: before a page is noted, it is sent again, which changes nothing. Between a page and the checkpoint, the same. In
 * 2 and 3 they begin again. Between the swap and the note of it, index-state.ts, or the next run, meets the new index under
 * the store's name, knows it by its identity, and notes it. After that only the old index is left to be removed. An engine
 * that was emptied meanwhile has no new index either: the build begins from its beginning.
 */
import { emit, type Origin } from "../bus/index.ts";
import { newId } from "../platform/ids.ts";
import { type Db, type Sql, transaction } from "../platform/postgres/index.ts";
import { SHAPE } from "./document.ts";
import { besideName, type IndexedEngine, type IndexName } from "./engine.ts";
import { withIndexLock } from "./lock.ts";
import { selectGeneration } from "./query.store.ts";
import { Beside } from "./reindex.beside.ts";
import { fill, PAGE, type Progress, type ReindexDeps } from "./reindex.fill.ts";
import { sendKnown } from "./reindex.known.ts";
import { noteSwap } from "./reindex.note.ts";
import * as store from "./reindex.store.ts";
import { differences } from "./reindex.verify.ts";
import { selectSettings } from "./settings.store.ts";
import { taskOutcome } from "./tasks.ts";

export type { ReindexDeps };
export type Build = store.Build;

/**
 * Changes that may be left for the switch, during which no product of the store can be indexed. Twice as many each time that there
 * were more, so that it ends in a shop that changes faster than the engine works.
 */
const FEW = 200;
const MAX_ROUNDS = 20;
const MAX_VERIFICATIONS = 3;
/** An open build that nothing was heard of for so long has lost its job. */
const IDLE_MS = 120_000;

/** The open build of the store, or a new one and its job. */
export function requestReindex(sql: Db, origin: Origin): Promise<Build> {
  const { storeId } = origin;
  return transaction(sql, async tx => {
    const id = newId("build");
    const made = (await store.insertBuild(tx, storeId, id, SHAPE)) ? id : null;
    const buildId = made ?? (await store.takeIdle(tx, storeId, IDLE_MS));
    if (buildId) await emit(tx, origin, { type: "reindex.requested", buildId });
    return (await store.selectLatest(tx, [storeId]))[0]!;
  });
}

/** The latest build of each of these stores. */
export function latestReindexes(sql: Sql, storeIds: readonly string[]): Promise<Build[]> {
  return store.selectLatest(sql, storeIds);
}

/** For keepers: has every index made anew whose documents have an older shape. */
export async function ensureIndexes(sql: Db): Promise<number> {
  const outdated = await store.selectOutdated(sql, SHAPE);
  for (const storeId of outdated) await requestReindex(sql, { storeId });
  return outdated.length;
}

export type ReindexOutcome =
  | { readonly type: "done" }
  | { readonly type: "unknown" }
  /** Another process has taken the build on. */
  | { readonly type: "superseded" }
  | { readonly type: "failed"; readonly error: string };

/** Goes on where the run before stopped. */
export async function runReindex(
  deps: ReindexDeps,
  storeId: string,
  buildId: string,
  progress: Progress = {},
): Promise<ReindexOutcome> {
  const { sql, engine } = deps;
  const build = await store.begin(sql, storeId, buildId, await deps.countProducts(sql, storeId));
  if (!build) return { type: "unknown" };
  if (build.status === "failed") return { type: "failed", error: build.error ?? "" };
  const beside = engine && new Beside(engine, sql, build, progress.signal);
  if (build.status === "building") {
    if (!beside) {
      await fill(deps, build, null, progress);
      await store.endBuild(sql, build, { status: "done", error: null });
      return { type: "done" };
    }
    const ended = await make({ ...deps, engine: engine! }, build, beside, progress);
    if (ended) return ended;
  }
  if (engine) await engine.drop(besideName(storeId, buildId));
  return { type: "done" };
}

type Deps = ReindexDeps & { readonly engine: IndexedEngine };

/** Nothing, when the index that answers is the new one. */
async function make(
  deps: Deps,
  build: store.Running,
  beside: Beside,
  progress: Progress,
): Promise<ReindexOutcome | null> {
  const { sql, engine } = deps;
  const { storeId } = build;
  if (build.identity !== null && (await engine.identity(storeId)) === build.identity) {
    await withIndexLock(sql, storeId, held => noteSwap(held, build));
    return null;
  }
  await open(deps, build, beside);
  const known = await sendKnown(sql, build, beside);
  await fill(deps, build, beside, { ...progress, known });
  // What a single run has sent, in tasks that have all succeeded, is there if the count is right. An earlier one may have posted late.
  let doubtful = build.run > 1;
  for (let [verifications, few] = [0, FEW]; ; ) {
    let seen = await replay(sql, build, beside);
    for (let round = 1; round < MAX_ROUNDS && seen.sent > few; round++)
      seen = await replay(sql, build, beside);
    const isAdopted = await transaction(sql, tx => store.isAdopted(tx, build));
    await beside.settle();
    if (beside.superseded) return { type: "superseded" };
    let wrong = doubtful ? await verify(deps, beside.name, build) : [];
    if (wrong.length === 0) {
      const met = await switchOver(deps, build, beside, { ...seen, isAdopted, few });
      if (met === "switched") return null;
      if (met === "changed") {
        few *= 2;
        continue;
      }
      doubtful = true;
      wrong = await verify(deps, beside.name, build);
    }
    if (++verifications === MAX_VERIFICATIONS) {
      const error = `the new index does not hold what it was sent: ${wrong.length} products differ`;
      await store.endBuild(sql, build, { status: "failed", error });
      await engine.drop(beside.name);
      return { type: "failed", error };
    }
    await beside.remove(wrong);
    await store.forgetBuilt(sql, build, wrong);
  }
}

/** The products of which the new index does not hold the version that it was sent. */
async function verify({ sql, engine }: Deps, index: IndexName, build: store.Running): Promise<string[]> {
  return differences(engine, index, await store.selectExpected(sql, build));
}

/** Has an empty index made, unless there is the one that an earlier run has begun to fill. */
async function open({ sql, engine }: Deps, build: store.Running, beside: Beside): Promise<void> {
  const identity = await engine.identity(beside.name);
  if (identity !== null && identity === build.identity) return;
  if (identity !== null) await engine.clear(beside.name);
  const own = await selectSettings(sql, build.storeId);
  const ended = await taskOutcome(engine, await engine.applySettings(beside.name, own), beside.signal);
  if (ended.type !== "succeeded") throw new Error(`settings not applied: ${ended.error}`);
  const index = { identity: (await engine.identity(beside.name))!, settingsHash: engine.settingsHash(own) };
  await transaction(sql, tx => store.restart(tx, build, index));
  build.identity = index.identity;
  build.settingsHash = index.settingsHash;
  build.checkpoint = "";
  build.done = 0;
}

/** Holds as long as neither the store's generation nor the notes of the build rise: then nothing has changed since. */
type Seen = { readonly sent: number; readonly generation: number; readonly notes: number };

/** Sends what has changed meanwhile; `sent`: how much that was. */
async function replay(sql: Db, build: store.Running, beside: Beside): Promise<Seen> {
  for (let sent = 0; ; ) {
    const generation = await selectGeneration(sql, build.storeId);
    const changes = await transaction(sql, tx => store.selectUnbuilt(tx, build, PAGE));
    await beside.send(changes);
    sent += changes.length;
    if (changes.length < PAGE || beside.superseded) return { sent, generation, notes: beside.notes };
  }
}

/**
 * `changed`: more than `few` products meanwhile; `differs`: the index does not count what it should. Where nothing has changed since
 * it was seen, products are not compared again: that takes longest, and jobs of the store wait for it.
 */
function switchOver(
  { sql, engine }: Deps,
  build: store.Running,
  beside: Beside,
  seen: Seen & { readonly isAdopted: boolean; readonly few: number },
): Promise<"switched" | "changed" | "differs"> {
  const { storeId } = build;
  return withIndexLock(sql, storeId, async held => {
    const isAsSeen =
      seen.notes === beside.notes && seen.generation === (await selectGeneration(held, storeId));
    const left = isAsSeen ? [] : await store.selectUnbuilt(held, build, seen.few + 1);
    if (left.length > seen.few) return "changed";
    await beside.send(left, held);
    await beside.settle(held);
    const expected = await store.countExpected(held, build);
    if (beside.superseded || (await engine.count(beside.name)) !== expected) return "differs";
    // Names can be swapped only where both are in use.
    if ((await engine.identity(storeId)) === null) {
      await engine.applySettings(storeId, await selectSettings(held, storeId));
    }
    const ended = await taskOutcome(engine, await engine.swap(storeId, beside.name), beside.signal);
    if (ended.type !== "succeeded") throw new Error(`indexes not swapped: ${ended.error}`);
    await noteSwap(held, build, isAsSeen && seen.isAdopted);
    return "switched";
  });
}
