/**
 * Keeps a store's index in the engine as it should be, before documents are sent: it exists, is the one we filled, and
 * has the settings of this program. Called under the index lock. Waits for no task: the tasks of an index run in order,
 * so settings that are enqueued first are applied first.
 *
 *   unknown ──create──▶ known, identity unset ──seen in the engine──▶ known
 *   known ──another identity, which is that of an index built beside──▶ known, as what that was sent (reindex.ts)
 *   known ──gone, or another identity──▶ filled anew: nothing counts as sent, a job for every product
 *
 * Crash story: the engine's tasks are enqueued before our row is written, so a crash between leaves the old row and the
 * same step is done again; settings are idempotent. Forgetting what was sent, the jobs that send it again and the row
 * commit together.
 */
import { emit } from "../bus/index.ts";
import { type Db, type Tx, transaction } from "../platform/postgres/index.ts";
import type { IndexedEngine, StoreSettings } from "./engine.ts";
import { noteSwap } from "./reindex.note.ts";
import { selectByIdentity } from "./reindex.store.ts";
import { selectSettings } from "./settings.store.ts";
import { forgetSent, type KnownIndex, saveIndex, selectIndex } from "./store.ts";

export type IndexDeps = { readonly sql: Db; readonly engine: IndexedEngine };

const JOBS_AT_ONCE = 1_000;

/** `sending`: the products that the caller sends anyway; an index filled anew needs no job for them. */
export async function prepareIndex(
  deps: IndexDeps,
  held: Tx,
  storeId: string,
  sending: readonly string[],
): Promise<void> {
  const { engine } = deps;
  // One statement at a time: two on their way when the connection dies would leave one that nobody awaits.
  const own = await selectSettings(held, storeId);
  const [known, identity] = await Promise.all([selectIndex(held, storeId), engine.identity(storeId)]);
  const settingsHash = engine.settingsHash(own);
  const built = known?.identity !== identity && identity !== null;
  const build = built ? await selectByIdentity(held, storeId, identity) : null;
  if (build) {
    await noteSwap(held, build);
    return prepareIndex(deps, held, storeId, sending);
  }
  if (!known) {
    // An index that we know nothing of holds documents of another life.
    if (identity !== null) await engine.clear(storeId);
    return fillAnew(deps, { storeId, identity, own }, sending);
  }
  const settings = await settingsState(engine, known, settingsHash);
  if (isOurs(known, identity, settings)) {
    if (settings === "wanted") {
      const settingsTask = await engine.applySettings(storeId, own);
      await saveIndex(held, storeId, { identity, settingsHash, settingsTask });
    } else if (known.identity !== identity || (settings === "applied" && known.settingsTask !== null)) {
      const settingsTask = settings === "applied" ? null : known.settingsTask;
      await saveIndex(held, storeId, { ...known, identity, settingsTask });
    }
    return;
  }
  await fillAnew(deps, { storeId, identity, own }, sending);
}

type SettingsState = "applied" | "pending" | "wanted";

async function settingsState(
  engine: IndexedEngine,
  known: KnownIndex,
  settingsHash: string,
): Promise<SettingsState> {
  if (known.settingsHash !== settingsHash) return "wanted";
  if (known.settingsTask === null) return "applied";
  const { type } = await engine.taskState(known.settingsTask);
  if (type === "succeeded") return "applied";
  return type === "pending" ? "pending" : "wanted";
}

/** An index that we asked for and that isn't there yet is ours as long as its task is in the queue. */
function isOurs(known: KnownIndex, identity: string | null, settings: SettingsState): boolean {
  if (known.identity === null) return identity !== null || settings === "pending";
  return known.identity === identity;
}

async function fillAnew(
  { sql, engine }: IndexDeps,
  { storeId, identity, own }: { storeId: string; identity: string | null; own: StoreSettings },
  sending: readonly string[],
): Promise<void> {
  const settingsHash = engine.settingsHash(own);
  const settingsTask = await engine.applySettings(storeId, own);
  const ours = new Set(sending);
  await transaction(sql, async tx => {
    const productIds = (await forgetSent(tx, storeId)).filter(id => !ours.has(id));
    for (let at = 0; at < productIds.length; at += JOBS_AT_ONCE) {
      const events = productIds
        .slice(at, at + JOBS_AT_ONCE)
        .map(productId => ({ type: "summary.changed" as const, productId }));
      await emit(tx, { storeId }, ...events);
    }
    await saveIndex(tx, storeId, { identity, settingsHash, settingsTask });
  });
}
