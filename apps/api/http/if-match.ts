/**
 * Optimistic concurrency over HTTP (RFC 9110, 13.1.1). What admins change has a version that rises with each change; its
 * ETag is that version, and a write must name it in `If-Match`: 428 without, 412 when somebody else was faster.
 */
import { Problem } from "../../../platform/errors.ts";

/** `any` for `If-Match: *`: whatever the version is. */
export type ExpectedVersion = number | "any";

/** The ETag of an entity of this version; set it on GET, POST and PATCH. */
export function versionTag(version: number): string {
  return `"${version}"`;
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
  // Answers that were compressed carry the form of their bytes in the tag.
  const match = /^"(\d{1,15})(?:-(?:gzip|zstd))?"$/.exec(header);
  return match ? Number(match[1]) : -1;
}
