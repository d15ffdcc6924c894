import { invalid } from "../../platform/errors.ts";
import type { Listed, ProductSort } from "../catalog/index.ts";

/** Opaque to callers: where a page ended. It belongs to one sort order. */
export function encodeCursor(sort: ProductSort, last: Listed): string {
  return Buffer.from(JSON.stringify([sort, last.key, last.id])).toString("base64url");
}

/** @throws Problem 422 for what isn't a cursor of this order. */
export function decodeCursor(sort: ProductSort, cursor: string): Listed {
  const [from, key, id] = parse(cursor);
  const keyType = sort === "price" || sort === "-price" ? Number.isSafeInteger(key) : typeof key === "string";
  if (
    from !== sort ||
    !keyType ||
    typeof id !== "string" ||
    id.includes("\0") ||
    String(key).includes("\0")
  ) {
    throw invalid([
      { path: "cursor", message: "is not a cursor of this list; use nextCursor as it was given" },
    ]);
  }
  return { id, key: key as string | number };
}

function parse(cursor: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
