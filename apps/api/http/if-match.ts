/**
 * Optimistic concurrency over HTTP (RFC 9110, 13.1.1). What admins change has a version that rises with each change; its
 * ETag is that version, and a write must name it in `If-Match`: 428 without, 412 when somebody else was faster.
 */
import { Problem } from "../../../platform/errors.ts";

/** `any` for `If-Match: *`: whatever the version is. */
export type ExpectedVersion = number | "any";

/**
 * The ETag of an entity of this version; set it on GET, POST and PATCH. Where the answer also shows what changes without
 * the version (stock, a sale that opened), hand in the body: the tag then names these bytes too, so that nobody is
 * told 304 for an old one, and still carries the version.
 */
export function versionTag(version: number, body?: unknown): string {
  return body === undefined ? `"${version}"` : `"${version}-${Bun.hash(JSON.stringify(body)).toString(36)}"`;
}

/**
 * The version that a request's `If-Match` names. What is no tag of ours names no version that ever was, so that the
 * write fails as a stale one does. @throws Problem 428 without the header.
 */
export function expectedVersion(headers: Headers): ExpectedVersion {
  const header = headers.get("if-match")?.trim();
  if (!header) {
    throw new Problem(428, "precondition_required", "This write wants If-Match with the ETag that was read.");
  }
  if (header === "*") return "any";
  // What follows the version tells one form of the answer from another (its stock, its compression).
  const match = /^"(\d{1,15})(?:-[0-9a-z-]{1,32})?"$/.exec(header);
  return match ? Number(match[1]) : -1;
}
