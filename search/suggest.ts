/** What to offer while somebody types: what others searched for, products, categories and vendors. */
import { lookup } from "../platform/lookup.ts";
import { selectPopular } from "./analytics.store.ts";
import type { SearchItem } from "./document.ts";
import type { EngineName } from "./engine.ts";
import { fold } from "./fold.ts";
import { highlightsOf } from "./highlight.ts";
import type { Answered, Ask } from "./query.ts";
import { correctedByHits } from "./spelling.ts";
import { meets, wordsIn } from "./words.ts";

const MAX_QUERIES = 5;
const MAX_GROUPS = 3;

export type Suggestion = Pick<
  SearchItem,
  "id" | "handle" | "title" | "vendor" | "price" | "available" | "inStock"
> & {
  /** HTML, the only markup in it `<mark>`. */
  highlighted: string;
  image: SearchItem["images"][number] | null;
};

export type Suggestions = {
  queries: string[];
  products: Suggestion[];
  categories: { handle: string; title: string; products: number }[];
  vendors: { vendor: string; products: number }[];
  didYouMean: string | null;
  engine: EngineName;
};

/** A shop's popular queries, as of a minute ago at the most. */
export const popularQueries = lookup(selectPopular, { ttlMs: 60_000 });

export async function suggestionsFor(
  ask: Ask,
  popular: () => Promise<readonly string[]>,
  storeId: string,
  { q, limit }: { q: string; limit: number },
): Promise<{ value: Suggestions; stopgap: boolean }> {
  const query = { q, limit, offset: 0, facets: ["category", "vendor"] as const };
  const [found, queries] = await Promise.all([ask(storeId, query), popular()]);
  const value = {
    queries: beginningWith(q, queries),
    products: found.items.map(item => suggestion(q, item)),
    categories: categoriesOf(q, found),
    vendors: vendorsOf(q, found),
    didYouMean: correctedByHits(q, found),
    engine: found.engine,
  };
  return { value, stopgap: found.stopgap };
}

function beginningWith(q: string, queries: readonly string[]): string[] {
  const typed = fold(q).replace(/\s+/g, " ").trimStart();
  return queries.filter(one => one.startsWith(typed) && one !== typed.trimEnd()).slice(0, MAX_QUERIES);
}

function suggestion(q: string, item: SearchItem): Suggestion {
  const { id, handle, title, vendor, price, available, inStock, images } = item;
  const highlighted = highlightsOf(q, item, "").title;
  return { id, handle, title, highlighted, vendor, price, available, inStock, image: images[0] ?? null };
}

/** Categories that are called so, before those that have most of the hits. */
function categoriesOf(q: string, { items, facets }: Answered): Suggestions["categories"] {
  const titles = new Map(items.flatMap(item => item.categories).map(one => [one.handle, one.title]));
  const words = wordsIn(q);
  const named = (title: string) => wordsIn(title).some(word => words.some(one => meets(one, word)));
  return Object.entries(facets.category ?? {})
    .flatMap(([handle, products]) => {
      const title = titles.get(handle);
      return title === undefined ? [] : [{ handle, title, products }];
    })
    .toSorted((a, b) => Number(named(b.title)) - Number(named(a.title)) || b.products - a.products)
    .slice(0, MAX_GROUPS);
}

/** Only those that are called so: who else makes lamps is no answer to "lamp". */
function vendorsOf(q: string, { facets }: Answered): Suggestions["vendors"] {
  const words = wordsIn(q);
  return Object.entries(facets.vendor ?? {})
    .filter(([vendor]) => wordsIn(vendor).some(word => words.some(one => meets(one, word))))
    .map(([vendor, products]) => ({ vendor, products }))
    .toSorted((a, b) => b.products - a.products)
    .slice(0, MAX_GROUPS);
}
