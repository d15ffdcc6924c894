/**
 * How long what is kept lives, when nothing makes it old before (bus/invalidations.ts): a bound for what we have not thought
 * of, so it may be long. Each life differs by up to a tenth, so that what was made together does not end together. An answer
 * that shows prices ends when the next price list opens or closes, whatever stands here.
 *
 * `staleMs`: how much longer it is given, once more, while it is made anew; `errorMs`: while it can't be made anew.
 */
import type { Family } from "../../../platform/cache/index.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const lifetimes = {
  /** One product. */
  product: { name: "product", freshMs: 300 * SECOND, staleMs: 30 * SECOND, errorMs: 10 * MINUTE },
  /** A page of products. Many, and each is asked for by few. */
  list: { name: "list", freshMs: 60 * SECOND, staleMs: 30 * SECOND, errorMs: 10 * MINUTE },
  /** What all pages of a shop need and hardly ever changes: its categories and collections. */
  lookup: { name: "lookup", freshMs: HOUR, staleMs: MINUTE, errorMs: HOUR },
} as const satisfies Record<string, Family>;

/** Answers of search are kept by the generation of its content (search/cache.ts); here they are ready bytes, for so long. */
export const SEARCH_TRUSTED_MS = 250;
