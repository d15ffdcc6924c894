import type { Tx } from "../platform/postgres/index.ts";
import { adopt } from "./reindex.store.ts";
import { saveIndex } from "./store.ts";

/** Notes that a build's index answers under the store's name. Under the lock of the index. `isSame`: as `adopt` has it. */
export async function noteSwap(
  held: Tx,
  build: { storeId: string; id: string },
  isSame = false,
): Promise<void> {
  const { identity, settingsHash, shape } = await adopt(held, build, isSame);
  await saveIndex(held, build.storeId, { identity, settingsHash, settingsTask: null }, shape);
}
