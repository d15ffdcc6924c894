/** Which documents fit the words of a query, and how well: full text and trigrams over `search.document d`. */
import type { PendingQuery, Row } from "postgres";
import type { Sql } from "../../platform/postgres/index.ts";
import type { StoreSettings } from "../engine.ts";
import { fold, spaced } from "../fold.ts";

const MAX_WORDS = 10;
/** Shorter words are not forgiven a typing error. */
const MIN_LIKE_LENGTH = 5;

export type Fragment = PendingQuery<Row[]>;

export type Word = {
  readonly text: string;
  readonly like: boolean;
  readonly beginning: boolean;
  /** What the merchant says stands for it: words and phrases. */
  readonly synonyms: readonly string[];
};

type Spoken = Pick<StoreSettings, "synonyms" | "stopWords">;

/**
 * The words of a query; the last one counts as a beginning unless a space follows it. Stop words of the store are left out,
 * unless there is nothing else.
 */
export function wordsOf(q: string, { synonyms, stopWords }: Spoken): Word[] {
  const words = (fold(q).match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, MAX_WORDS);
  const beginsOnly = !/\s$/.test(q);
  const all = words.map((text, index) => ({
    text,
    like: text.length >= MIN_LIKE_LENGTH && !/\p{N}/u.test(text),
    beginning: beginsOnly && index === words.length - 1,
    synonyms: synonyms
      .filter(group => group.includes(text))
      .flatMap(group => group.filter(one => one !== text)),
  }));
  const telling = all.filter(word => !stopWords.includes(word.text));
  return telling.length > 0 ? telling : all;
}

/** Words hold letters and digits only, so that they can't be operators; phraseto_tsquery takes any text as a phrase. */
function tsquery(sql: Sql, word: Word): Fragment {
  const phrase = (text: string) => sql`phraseto_tsquery('english', ${spaced(text)})`;
  const own =
    spaced(word.text) === word.text
      ? sql`to_tsquery('english', ${word.beginning ? `${word.text}:*` : word.text})`
      : phrase(word.text);
  return word.synonyms.reduce((joined, one) => sql`${joined} || ${phrase(one)}`, own);
}

/** A word that the text configuration drops ("the") is no condition. */
function hasWord(sql: Sql, word: Word): Fragment {
  const query = tsquery(sql, word);
  const like = word.like ? sql`OR ${word.text} <% d.names` : sql``;
  return sql`(numnode(${query}) = 0 OR d.words @@ (${query}) ${like})`;
}

export function allOf(sql: Sql, conditions: readonly Fragment[]): Fragment {
  return conditions.reduce((joined, one) => sql`${joined} AND ${one}`, sql`true`);
}

/** Any of the words, as one operator: one look at the index. */
function anyOf(sql: Sql, words: readonly Word[]): Fragment {
  return words.map(word => tsquery(sql, word)).reduce((joined, one) => sql`${joined} || ${one}`);
}

export function matches(sql: Sql, q: string, words: readonly Word[], anyWord: boolean): Fragment {
  if (q === "") return sql`true`;
  const code = sql`d.codes @> ARRAY[${q.toLowerCase()}]`;
  if (words.length === 0) return code;
  if (anyWord) return sql`d.words @@ (${anyOf(sql, words)})`;
  return sql`(${code} OR (${allOf(
    sql,
    words.map(word => hasWord(sql, word)),
  )}))`;
}

/** How well it fits: exact codes first, then where the words stand, then how much the title is like the query. */
export function score(sql: Sql, q: string, words: readonly Word[]): Fragment {
  if (words.length === 0) return sql`0`;
  return sql`(d.codes @> ARRAY[${q.toLowerCase()}])::int * 10
    + ts_rank('{0.05, 0.2, 0.4, 1}', d.words, ${anyOf(sql, words)})
    + word_similarity(${spaced(fold(q))}, d.names) + similarity(${fold(q)}, d.title)`;
}
