/**
 * One page of a list by keyset. A list asks its store for one row more than `limit`, which tells whether there is a next
 * page; `nextCursor` names the last row of this one.
 */
import { invalid, type Problem } from "./errors.ts";
import { isId } from "./ids.ts";

export type Page<T> = { items: T[]; nextCursor: string | null };

/** `cursorOf`: what names the last row; without it, its id. */
export function pageOf<T extends { id: string }>(found: readonly T[], limit: number): Page<T>;
export function pageOf<T>(found: readonly T[], limit: number, cursorOf: (row: T) => string): Page<T>;
export function pageOf<T>(
  found: readonly T[],
  limit: number,
  cursorOf = (row: T) => (row as { id: string }).id,
): Page<T> {
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last === undefined ? null : cursorOf(last) };
}

export function badCursor(): Problem {
  return invalid([{ path: "cursor", message: "is not one that this list gave" }]);
}

/** The cursor of a list by ids of this prefix. @throws Problem 422 for what is no such id. */
export function idCursor(prefix: string, cursor: string | undefined): string | undefined {
  if (cursor !== undefined && !isId(prefix, cursor)) throw badCursor();
  return cursor;
}

/** The cursor of a key of several parts, as one opaque word. */
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
  throw badCursor();
}
