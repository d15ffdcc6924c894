/**
 * The first step of a reindex: what search knows already, as `search.document` has it. It costs a fraction of composing, so the engine has
 * nearly all of its work at once, in few large tasks, and works on it while all products are looked through (reindex.fill.ts).
 */
import type { Db } from "../platform/postgres/index.ts";
import { SHAPE } from "./document.ts";
import { readAhead } from "./reindex.ahead.ts";
import type { Beside } from "./reindex.beside.ts";
import { type Running, selectKnown } from "./reindex.store.ts";
import { selectShape } from "./store.ts";

/** About what the engine is posted at once. */
const PAGE = 5_000;

/**
 * Sends what the new index was not sent by an earlier run. False when documents have another shape now: then they are no use, and
 * nothing is sent.
 */
export async function sendKnown(sql: Db, build: Running, beside: Beside): Promise<boolean> {
  if (((await selectShape(sql, build.storeId)) ?? 0) < SHAPE) return false;
  let after: string | null = "";
  await readAhead(
    async () => {
      if (after === null || beside.superseded) return null;
      beside.signal?.throwIfAborted();
      const page = await selectKnown(sql, build, after, PAGE);
      after = page.length === PAGE ? page.at(-1)!.productId : null;
      return page;
    },
    page => beside.send(page),
  );
  return true;
}
