/** Hits as JSON. A page of them is some 25 KB that nobody needs to read: whoever wants to look into hits has them read then. */
import type { SearchItem } from "./document.ts";
import type { Found } from "./engine.ts";

/** What was found, its items read when they are asked for. */
export function foundTexts(texts: readonly string[], more: Omit<Found, "items" | "texts">): Found {
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
