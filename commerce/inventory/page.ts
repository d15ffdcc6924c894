import { invalid } from "../../platform/errors.ts";
import type { Page } from "./model.ts";

/** The cursor of a keyset: the key of the last row, as one opaque word. */
export function encodeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** @throws Problem 422 for what is not a cursor of `parts` words. */
export function decodeCursor(cursor: string | undefined, parts: number, pattern: RegExp): string[] | null {
  if (cursor === undefined) return null;
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (
      Array.isArray(key) &&
      key.length === parts &&
      key.every(part => typeof part === "string" && pattern.test(part))
    ) {
      return key;
    }
  } catch {}
  throw invalid([{ path: "cursor", message: "is not one that this list gave" }]);
}

/** A page of `found`, which was asked for with one row more than `limit`. */
export function pageOf<T>(found: readonly T[], limit: number, keyOf: (row: T) => readonly string[]): Page<T> {
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last === undefined ? null : encodeCursor(keyOf(last)) };
}
