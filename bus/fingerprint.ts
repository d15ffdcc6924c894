/** Errors that mean the same are one group: what differs from one job to the next is taken out before hashing. */

/**
 * In this order: a URL holds a path, a path holds numbers. An apostrophe within a word is no quotation mark; a time is
 * taken before the numbers in it. Ids and numbers are one: a count may be as long as an id.
 */
const variable: readonly [RegExp, string][] = [
  [/"[^"]*"|`[^`]*`|(?<!\w)'[^']*'(?!\w)|“[^”]*”|«[^»]*»/g, "<text>"],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s,;)\]]+/gi, "<url>"],
  [/(?<![\w<>])(?:~|\.{1,2}|[A-Za-z]:)?(?:[\\/][\w.@%+~$-]+)+[\\/]?(?::\d+)*/g, "<path>"],
  [/\b[a-z]{2,10}_[0-9a-z]{8,48}\b/g, "<n>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<n>"],
  [/\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b/gi, "<n>"],
  [/\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?/g, "<time>"],
  [/[-+]?\d+(?:[.,:]\d+)*/g, "<n>"],
  [/<(?:phone|card|account|mail|erased)>/g, "<text>"],
];

const SHAPE_MAX = 300;

/** What is left of an error's first line. */
export function shapeOf(error: string): string {
  const [line = ""] = error.trimStart().split("\n", 1);
  return variable
    .reduce((text, [pattern, name]) => text.replace(pattern, name), line)
    .replaceAll(/\s+/g, " ")
    .trim()
    .slice(0, SHAPE_MAX);
}

/** 16 hex digits; the same for errors of one shape within a kind. */
export function fingerprint(kind: string, error: string): string {
  return new Bun.CryptoHasher("sha256")
    .update(`${kind}\n${shapeOf(error)}`)
    .digest("hex")
    .slice(0, 16);
}
