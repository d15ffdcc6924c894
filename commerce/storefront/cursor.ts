import { invalid } from "../../platform/errors.ts";
import type { Place, ProductSort } from "./sorts.ts";

const textual: readonly ProductSort[] = ["newest", "title"];

/** Opaque to callers: where a page ended. It belongs to one sort order. */
export function encodeCursor(sort: ProductSort, last: Place): string {
  return Buffer.from(JSON.stringify([sort, last.key, last.id])).toString("base64url");
}

/** @throws Problem 422 for what isn't a cursor of this order. */
export function decodeCursor(sort: ProductSort, cursor: string): Place {
  const [from, key, id] = parse(cursor);
  const keyFits = textual.includes(sort) ? isText(key) : Number.isSafeInteger(key);
  if (from !== sort || !keyFits || !isText(id)) {
    throw invalid([
      { path: "cursor", message: "is not a cursor of this list; use nextCursor as it was given" },
    ]);
  }
  return { id, key: key as string | number };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && !value.includes("\0") && value.isWellFormed();
}

function parse(cursor: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
