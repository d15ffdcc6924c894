/** How words of queries and of texts are compared, where it is us who compare: highlights and spelling. Pure. */
import { fold } from "./fold.ts";

export const WORD = /[\p{L}\p{N}]+/gu;

/** Words without case and accents. */
export function wordsIn(text: string): string[] {
  return fold(text).match(WORD) ?? [];
}

/** Typing errors that are forgiven in a word: none in numbers and short words, as the engine has it. */
export function forgiven(word: string): number {
  if (word.length < 5 || /\p{N}/u.test(word)) return 0;
  return word.length < 9 ? 1 : 2;
}

/** The same word, its beginning, or one with another ending ("shirts", "shirt"). */
export function isForm(word: string, of: string): boolean {
  if (of.startsWith(word)) return word.length > 1 || of.length === 1;
  return of.length >= 3 && word.startsWith(of) && word.length - of.length <= 3 && !/\p{N}/u.test(word);
}

/** Insertions, deletions, replacements and swaps of neighbours from one word to the other; more than `max` is `max + 1`. */
export function distance(a: string, b: string, max: number): number {
  if (Math.abs(a.length - b.length) > max) return max + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    if (Math.min(...row) > max) return max + 1;
    [before, last] = [last, row];
  }
  return Math.min(last[b.length]!, max + 1);
}

/** Whether a word of a text is what a word of a query found. */
export function meets(queryWord: string, textWord: string): boolean {
  if (isForm(queryWord, textWord)) return true;
  const errors = forgiven(queryWord);
  return errors > 0 && distance(queryWord, textWord, errors) <= errors;
}
