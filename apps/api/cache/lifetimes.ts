/**
 * How long what is kept lives, when nothing makes it old before (bus/invalidations.ts): a bound for what we have not thought
 * of, so it may be long. Each life differs by up to a tenth, so that what was made together does not end together. An answer
 * that shows prices ends when the next price list opens or closes, whatever stands here.
 *
 * `staleMs`: how much longer it is given, once more, while it is made anew; `errorMs`: while it can't be made anew. What is not
 * `isPublic` is given to who may ask for it and to nobody else: no cache on the way keeps it, and it is never answered before
 * the routes have looked at who asks.
 */
import type { Family } from "../../../platform/cache/index.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export type Lifetime = Family & { readonly isPublic: boolean };

const shown = { isPublic: true };
const guarded = { isPublic: false };

export const lifetimes = {
  /** One product. */
  product: { name: "product", freshMs: 300 * SECOND, staleMs: 30 * SECOND, errorMs: 10 * MINUTE, ...shown },
  /** A page of products. Many, and each is asked for by few. */
  list: { name: "list", freshMs: 60 * SECOND, staleMs: 30 * SECOND, errorMs: 10 * MINUTE, ...shown },
  /** What all pages of a shop need and hardly ever changes: its categories and collections. */
  lookup: { name: "lookup", freshMs: HOUR, staleMs: MINUTE, errorMs: HOUR, ...shown },
  /** What a customer sees of themselves. In no shared layer, so that who is erased is in no store of bytes that outlives it. */
  profile: {
    ...{ name: "profile", freshMs: 2 * MINUTE, staleMs: 10 * SECOND, errorMs: 10 * MINUTE, ...guarded },
    isLocal: true,
  },
  /** A merchant's figures, dear to add up: as of a moment, which they tell; nothing makes them old but the time. */
  dashboard: { name: "dashboard", freshMs: 5 * MINUTE, staleMs: 5 * MINUTE, errorMs: HOUR, ...guarded },
} as const satisfies Record<string, Lifetime>;

const known: Readonly<Record<string, Lifetime>> = lifetimes;

/** Whether shops and caches on the way may have it; not what the table does not know. */
export const isPublic = (family: string): boolean => known[family]?.isPublic === true;

/** Answers of search are kept by the generation of its content (search/cache.ts); here they are ready bytes, for so long. */
export const SEARCH_TRUSTED_MS = 250;
