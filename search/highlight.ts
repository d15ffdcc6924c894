/**
 * Where the words of a query are in a hit. Ours and not the engine's, so that both engines' hits look alike. Texts are
 * escaped: the only markup in them is `<mark>`.
 */
import type { SearchItem } from "./document.ts";
import { fold } from "./fold.ts";
import { meets, WORD, wordsIn } from "./words.ts";

/** HTML. `description`: the passage around the first word, null when no word of the query is in it. */
export type Highlights = { title: string; vendor: string; description: string | null };

/** Of a passage, characters. */
const PASSAGE = 180;
const BEFORE = 60;
const MAX_WORDS = 10;

export function highlightsOf(q: string, item: SearchItem, description: string): Highlights {
  const words = wordsIn(q).slice(0, MAX_WORDS);
  return {
    title: marked(item.title, words),
    vendor: marked(item.vendor, words),
    description: passage(description, words),
  };
}

type Span = { from: number; to: number };

function found(text: string, words: readonly string[]): Span[] {
  const spans: Span[] = [];
  if (words.length === 0) return spans;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    const folded = fold(word);
    if (words.some(one => meets(one, folded))) spans.push({ from: index, to: index + word.length });
  }
  return spans;
}

function marked(text: string, words: readonly string[]): string {
  let html = "";
  let at = 0;
  for (const { from, to } of found(text, words)) {
    html += `${escaped(text.slice(at, from))}<mark>${escaped(text.slice(from, to))}</mark>`;
    at = to;
  }
  return html + escaped(text.slice(at));
}

function passage(text: string, words: readonly string[]): string | null {
  const [first] = found(text, words);
  if (!first) return null;
  const from = first.from <= BEFORE ? 0 : text.indexOf(" ", first.from - BEFORE) + 1 || first.from;
  const begin = Math.min(from, first.from);
  const end = begin + PASSAGE >= text.length ? text.length : text.lastIndexOf(" ", begin + PASSAGE);
  const cut = text.slice(begin, Math.max(end, first.to));
  return `${begin > 0 ? "… " : ""}${marked(cut, words)}${begin + cut.length < text.length ? " …" : ""}`;
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escaped = (text: string) => text.replace(/[&<>"']/g, character => entities[character]!);
