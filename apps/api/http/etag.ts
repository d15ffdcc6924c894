/**
 * Strong validators and conditional requests (RFC 9110, 8.8.3 and 13.1). A strong ETag names exact bytes, so each
 * compressed form has a tag of its own: the plain one with `-gzip` or `-zstd` before the closing quote.
 */
const suffix = /-(?:gzip|zstd)"$/;

export function strongETag(body: string | Uint8Array): string {
  return `"${Bun.hash(body).toString(36)}"`;
}

export function encodedETag(etag: string, encoding: "gzip" | "zstd"): string {
  return `${etag.slice(0, -1)}-${encoding}"`;
}

/**
 * Whether `header` (If-None-Match or If-Match: `*`, or a list of tags) names `etag` in any of its encodings.
 * Compares weakly, as If-None-Match wants.
 */
export function matchesETag(header: string | null, etag: string): boolean {
  if (header === null) return false;
  if (header.trim() === "*") return true;
  const plain = etag.replace(suffix, '"');
  for (const [tag] of header.matchAll(/"[^"]*"/g)) {
    if (tag.replace(suffix, '"') === plain) return true;
  }
  return false;
}
