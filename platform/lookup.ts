/**
 * Look-ups of what changes rarely and is read with every request: kept in this process for at most `ttlMs`, so an answer
 * may be that old. Callers that come while it is being read share the reading; a reading that fails is not kept. Only for
 * reads that may be a moment old: what money depends on is read by SQL, in the transaction that writes.
 */
import type { Db } from "./postgres/index.ts";

export type Lookup<T> = {
  (sql: Db, key: string): Promise<T>;
  /** After a write of this process, so that it sees it at once. */
  forget(sql: Db, key: string): void;
};

type Entry<T> = { found: Promise<T>; until: number };

export function lookup<T>(
  load: (sql: Db, key: string) => Promise<T>,
  options: { ttlMs?: number; max?: number; now?: () => number } = {},
): Lookup<T> {
  const { ttlMs = 1_000, max = 1_000, now = () => performance.now() } = options;
  /** By database handle, so that two databases in one process (tests) don't mix. */
  const kept = new WeakMap<Db, Map<string, Entry<T>>>();

  function read(sql: Db, key: string): Promise<T> {
    const entries = kept.get(sql) ?? new Map<string, Entry<T>>();
    kept.set(sql, entries);
    const known = entries.get(key);
    if (known && known.until > now()) return known.found;
    const found = load(sql, key);
    // Oldest first: a Map keeps the order of insertion.
    entries.delete(key);
    entries.set(key, { found, until: now() + ttlMs });
    if (entries.size > max) entries.delete(entries.keys().next().value!);
    found.catch(() => {
      if (entries.get(key)?.found === found) entries.delete(key);
    });
    return found;
  }

  return Object.assign(read, {
    forget(sql: Db, key: string) {
      kept.get(sql)?.delete(key);
    },
  });
}
