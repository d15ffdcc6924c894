/**
 * What lets a CDN be one layer more (RFC 9111, RFC 5861). Browsers ask each time, by ETag. Shared caches may give an answer
 * again for `seconds`, once more while they ask, and for ten minutes while no node answers; whoever raises the seconds should
 * purge by `Surrogate-Key`, the answer's tags, as nothing here does.
 */
const ERROR_SECONDS = 600;
/** What CDNs take of keys is some 16 KB; a page has a few dozen. */
const MAX_KEYS = 8_000;

/** Of what is given to one who may ask: kept by nobody on the way, and by their browser to ask again with. */
export const GUARDED = { "cache-control": "private, no-cache" } as const;
export const GUARDED_VARY = "authorization, cookie, x-publishable-key";

export function cachingHeaders(seconds: number, tags: readonly string[]): Record<string, string> {
  const keys = tags.join(" ");
  const stale = Math.max(1, Math.ceil(seconds / 10));
  return {
    "cache-control": `public, max-age=0, must-revalidate, s-maxage=${seconds}, stale-while-revalidate=${stale}, stale-if-error=${ERROR_SECONDS}`,
    ...(keys !== "" && keys.length <= MAX_KEYS ? { "surrogate-key": keys } : {}),
  };
}
