/**
 * Products that are like a product. An engine finds candidates by the words of its title and by its category; which of
 * them are most alike is decided here, so that it does not depend on who found them.
 */
import { findActiveProduct } from "../commerce/catalog/index.ts";
import { notFound } from "../platform/errors.ts";
import type { Sql } from "../platform/postgres/index.ts";
import type { SearchItem } from "./document.ts";
import type { EngineName } from "./engine.ts";
import { selectItems } from "./query.store.ts";
import type { Ask } from "./query.ts";
import { wordsIn } from "./words.ts";

const CANDIDATES = 60;
/** Words that are not about the product. */
const EMPTY_WORDS = new Set(["and", "the", "for", "with", "from", "set", "pack"]);

export type Alike = { items: SearchItem[]; engine: EngineName };

/** The hit of a product that shops show, by id or handle. @throws Problem 404. */
export async function itemOf(sql: Sql, storeId: string, idOrHandle: string): Promise<SearchItem> {
  const [known] = await selectItems(sql, storeId, [idOrHandle]);
  if (known) return known;
  const id = await findActiveProduct(sql, storeId, idOrHandle);
  const [item] = id ? await selectItems(sql, storeId, [id]) : [];
  if (!item) throw notFound("product");
  return item;
}

/** Most alike first; those that can be bought before those that can't. */
export async function alike(ask: Ask, storeId: string, item: SearchItem, limit: number): Promise<Alike> {
  const common = { offset: 0, limit: CANDIDATES, facets: [], exclude: item.id };
  const words = wordsIn(item.title).filter(word => word.length > 2 && !EMPTY_WORDS.has(word));
  // The first category stands for the product; a candidate of another one is found by its words.
  const category = item.categories[0]?.id;
  const asked = [
    ...(words.length > 0 ? [ask(storeId, { ...common, q: words.join(" "), anyWord: true })] : []),
    ...(category === undefined ? [] : [ask(storeId, { ...common, q: "", category })]),
    ...(item.vendor === "" ? [] : [ask(storeId, { ...common, q: "", vendor: item.vendor })]),
  ];
  const answers = await Promise.all(asked.length > 0 ? asked : [ask(storeId, { ...common, q: "" })]);
  const candidates = new Map(answers.flatMap(found => found.items).map(one => [one.id, one]));
  const scored = [...candidates.values()].map(one => ({ one, score: likeness(item, one) }));
  scored.sort((a, b) => b.score - a.score || (a.one.id < b.one.id ? 1 : -1));
  return { items: scored.slice(0, limit).map(({ one }) => one), engine: answers[0]!.engine };
}

/** 0 and up: what they are called, where they stand, who makes them, what they cost. */
export function likeness(a: SearchItem, b: SearchItem): number {
  const ids = (item: SearchItem) => item.categories.map(category => category.id);
  const price = priceLikeness(a, b);
  const names =
    3 * shared(wordsIn(a.title), wordsIn(b.title)) +
    4 * shared(ids(a), ids(b)) +
    2 * shared(a.tags, b.tags) +
    (a.vendor !== "" && a.vendor === b.vendor ? 1 : 0) +
    (a.type !== "" && a.type === b.type ? 1 : 0);
  return (names + price) * (b.inStock ? 1 : 0.5);
}

/** Jaccard: 1 for the same, 0 for nothing in common. */
function shared(a: readonly string[], b: readonly string[]): number {
  const [left, right] = [new Set(a), new Set(b)];
  const both = [...left].filter(one => right.has(one)).length;
  return both === 0 ? 0 : both / (left.size + right.size - both);
}

function priceLikeness(a: SearchItem, b: SearchItem): number {
  if (!a.price?.amountMinor || !b.price?.amountMinor) return 0;
  const [less, more] = [a.price.amountMinor, b.price.amountMinor].toSorted((x, y) => x - y) as [
    number,
    number,
  ];
  return less / more;
}
