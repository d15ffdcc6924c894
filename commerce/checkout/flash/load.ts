/**
 * Flash mode switched on by load. A node counts the direct checkouts that wait in it; when there are more than the limit it
 * looks at what lies in their carts, and switches on the variant that most of them hold, or, when they hold all sorts of
 * things, the whole store. Such a switch ends by itself after {@link HOLD_SECONDS}, and is renewed while its queue is as long
 * as the limit. What an admin has switched on stays on.
 *
 * Nodes may see the same load at once: the switch is one row, and its end only moves away. A node that dies leaves a switch
 * that runs out.
 */
import type { Log } from "../../../platform/log.ts";
import type { Db } from "../../../platform/postgres/index.ts";
import { variantsOf } from "./model.ts";
import * as store from "./store.ts";

const HOLD_SECONDS = 60;
/** A node looks again, or renews, after this long. */
const AGAIN_MS = 5_000;
const SAMPLE = 200;
/** Of the carts that wait, how many must hold a variant for it to be the reason. */
const MOST = 0.5;

export type LoadWatch = {
  /** A direct checkout begins; call what it returns when it has ended. */
  begin(storeId: string, cartId: string): () => void;
  /** One was queued behind `depth` others by the switch of this variant ('': of the store). */
  queued(storeId: string, variantId: string, depth: number): void;
};

/** `limit` 0: no load switches anything on. */
export function openLoadWatch(deps: { sql: Db; log: Log; limit: number }): LoadWatch {
  const { sql, log, limit } = deps;
  if (limit === 0) return { begin: () => () => {}, queued() {} };
  const waiting = new Map<string, Map<object, string>>();
  const lastAt = new Map<string, number>();

  /** At most once in a while for each of these. */
  function isDue(what: string): boolean {
    const now = performance.now();
    if (now - (lastAt.get(what) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return false;
    if (lastAt.size > 10_000) lastAt.clear();
    lastAt.set(what, now);
    return true;
  }

  async function switchOn(storeId: string, carts: readonly string[]): Promise<void> {
    const lines = await store.linesOf(sql, storeId, carts.slice(0, SAMPLE));
    const variantId = mostWanted(lines) ?? "";
    await store.switchOnForLoad(sql, storeId, variantId, HOLD_SECONDS);
    log.warn({ storeId, variantId, waiting: carts.length }, "flash mode is switched on by load");
  }
  const failed = (error: unknown) => log.warn({ err: error }, "flash mode could not be switched on by load");

  return {
    begin(storeId, cartId) {
      const carts = waiting.get(storeId) ?? new Map<object, string>();
      waiting.set(storeId, carts);
      const mark = {};
      carts.set(mark, cartId);
      if (carts.size > limit && isDue(storeId)) switchOn(storeId, [...carts.values()]).catch(failed);
      return () => {
        carts.delete(mark);
        if (carts.size === 0) waiting.delete(storeId);
      };
    },
    queued(storeId, variantId, depth) {
      if (depth < limit || !isDue(`${storeId}/${variantId}`)) return;
      store.renewForLoad(sql, storeId, variantId, HOLD_SECONDS).catch(failed);
    },
  };
}

/** The variant that lies in most of the carts; null when they have none in common. */
function mostWanted(lines: readonly (string | null)[]): string | null {
  const counts = new Map<string, number>();
  for (const one of lines)
    for (const variant of variantsOf(one)) counts.set(variant, (counts.get(variant) ?? 0) + 1);
  const [first] = [...counts].toSorted((a, b) => b[1] - a[1]);
  return first && first[1] >= MOST * lines.length ? first[0] : null;
}
