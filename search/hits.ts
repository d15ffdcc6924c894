/**
 * Hits as the engine wrote them. A page of hits is some 50 KB of JSON that we would read only to write it again, so the
 * text of each hit is cut out of the engine's answer and goes to the shopper as it is. Whoever wants to look into hits has
 * them read then.
 */
import type { SearchItem } from "./document.ts";
import type { Found } from "./engine.ts";

const OPEN = '{"hits":[';
const FIRST = '{"item":';
const BETWEEN = '},{"item":';
const CLOSE = '],"query":';

export type CutHits = { readonly texts: string[]; readonly rest: string };

/**
 * Cuts the hits out of an answer whose hits have the one attribute `item`; `rest` is the answer without them. Null for
 * an answer that is written otherwise, which is to be read as JSON then.
 *
 * None of the marks can be text: a quote in a JSON string is escaped. As structure they occur nowhere else, for no object in
 * an array of an item has an `item`, and no item a `query`.
 */
export function cutHits(answer: string): CutHits | null {
  if (!answer.startsWith(OPEN)) return null;
  const end = answer.lastIndexOf(CLOSE);
  if (end < 0) return null;
  const rest = `{"hits":[${answer.slice(end)}`;
  if (end === OPEN.length) return { texts: [], rest };
  if (!answer.startsWith(FIRST, OPEN.length) || answer[end - 1] !== "}") return null;
  return { texts: answer.slice(OPEN.length + FIRST.length, end - 1).split(BETWEEN), rest };
}

/** What was found, its items read when they are asked for. */
export function foundTexts(texts: readonly string[], more: Pick<Found, "total" | "facets">): Found {
  let items: SearchItem[] | undefined;
  return {
    ...more,
    texts,
    get items() {
      items ??= texts.map(text => JSON.parse(text));
      return items;
    },
  };
}

/** The first `count` hits; the others are not read. */
export function firstHits(found: Found, count: number): SearchItem[] {
  return found.texts?.slice(0, count).map(text => JSON.parse(text)) ?? found.items.slice(0, count);
}

/** The JSON of the list of hits. */
export function hitsJson(found: Found): string {
  return found.texts ? `[${found.texts.join()}]` : JSON.stringify(found.items);
}
