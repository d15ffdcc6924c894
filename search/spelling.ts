/**
 * "Did you mean": the words of a query that no product has, replaced by the nearest that one has. Where there are hits (the
 * engines forgive typing errors), by words of the first hits; where there is none, by words of the whole shop.
 */
import type { Sql } from "../platform/postgres/index.ts";
import type { SearchItem } from "./document.ts";
import type { Found } from "./engine.ts";
import { firstHits } from "./hits.ts";
import { selectLikeWords, selectUnlearned, writeWords } from "./words.store.ts";
import { distance, isForm, wordsIn } from "./words.ts";

const MAX_WORDS = 6;
const HITS = 5;
const MIN_LENGTH = 3;

/** A short word is near to many others, and a number is another number. */
const isCorrectable = (word: string) => word.length >= MIN_LENGTH && !/\p{N}/u.test(word);

type Known = { readonly word: string; readonly products: number };

/** More than engines forgive, as here the shopper decides. */
function allowed(word: string): number {
  if (word.length < 5) return 1;
  return word.length < 8 ? 2 : 3;
}

/** The query with nearer words in it, or null when there is nothing to correct. */
export function corrected(q: string, known: readonly Known[]): string | null {
  let changed = false;
  const words = wordsIn(q).slice(0, MAX_WORDS);
  const better = words.map(word => {
    if (!isCorrectable(word)) return word;
    if (known.some(one => isForm(word, one.word))) return word;
    const near = nearest(word, known);
    changed ||= near !== null;
    return near ?? word;
  });
  return changed ? better.join(" ") : null;
}

function nearest(word: string, known: readonly Known[]): string | null {
  const max = allowed(word);
  let best: (Known & { errors: number }) | null = null;
  for (const one of known) {
    const errors = distance(word, one.word, max);
    if (errors > max) continue;
    if (!best || errors < best.errors || (errors === best.errors && one.products > best.products))
      best = { ...one, errors };
  }
  return best?.word ?? null;
}

/** By the words of the first hits. Mostly the title of the first one has them all, and there is nothing more to look at. */
export function correctedByHits(q: string, found: Found): string | null {
  const words = wordsIn(q).slice(0, MAX_WORDS).filter(isCorrectable);
  const title = wordsIn(firstHits(found, 1)[0]?.title ?? "");
  if (words.every(word => title.some(one => isForm(word, one)))) return null;
  return corrected(
    q,
    firstHits(found, HITS).flatMap(item => namesOf(item).map(word => ({ word, products: 1 }))),
  );
}

function namesOf(item: SearchItem): string[] {
  const options = item.variants.flatMap(variant => Object.values(variant.options));
  const titles = [...item.categories, ...item.collections].map(one => one.title);
  return [item.title, item.vendor, item.type, ...titles, ...item.tags, ...options].flatMap(wordsIn);
}

/** By the words of all that the shop has, as of the last time that they were learnt. */
export async function correctedByShop(sql: Sql, storeId: string, q: string): Promise<string | null> {
  const words = wordsIn(q)
    .slice(0, MAX_WORDS)
    .filter(word => word.length >= MIN_LENGTH);
  if (words.length === 0) return null;
  return corrected(q, await selectLikeWords(sql, storeId, words));
}

/** For keepers: learns the words of shops that have changed; one that is changing all the time every ten minutes. */
export async function learnWords(sql: Sql): Promise<void> {
  for (const { storeId, generation } of await selectUnlearned(sql))
    await writeWords(sql, storeId, generation);
}
