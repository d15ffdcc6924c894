import { type TSchema, t } from "elysia";

type Words<W extends readonly string[]> = W[number];

/**
 * One of some words, with what OpenAPI knows of the schema. Not `t.UnionEnum`: that gives an absent optional value the
 * first word as its default, which turns a list without a filter into one of the first status.
 */
export function oneOf<const W extends readonly string[]>(words: W, options: { description?: string } = {}) {
  return t.Unsafe<Words<W>>(t.Union(words.map(word => t.Literal(word)) as TSchema[], options));
}
