/** Look-ups that many requests need: what was found is trusted for a second, on this node. */
import type { Db } from "../../../platform/postgres/index.ts";

const TRUST_MS = 1_000;
/** With the database away nobody can have changed what was found in it, as far as this node can know. */
const OUTAGE_MS = 10 * 60_000;

type Entry<T> = { found: Promise<T | null>; value: T | null; until: number; foundAt: number };

/** What is trusted for longer while it can't be looked up. */
export type Outage<T> = { isOutage(error: unknown): boolean; keeps(value: T): boolean };

/** A change elsewhere (a revocation, a log-out) takes effect here when the trust ends; `forget` ends it now. */
export type Trusting<T> = {
  get(sql: Db, key: string): Promise<T | null>;
  forget(sql: Db, key: string): void;
  /** What was found, and until when it is trusted; undefined: it was not looked up. `value` null: nothing, or not yet. */
  known(sql: Db, key: string): { readonly value: T | null; readonly until: number } | undefined;
};

/** One cache per database handle, so that the guards of all route files share it without a global. */
export function trusting<T>(
  find: (sql: Db, key: string) => Promise<T | null>,
  max: number,
  outage?: Outage<T>,
): Trusting<T> {
  const caches = new WeakMap<Db, Map<string, Entry<T>>>();
  const cacheOf = (sql: Db) => {
    const entries = caches.get(sql) ?? new Map<string, Entry<T>>();
    caches.set(sql, entries);
    return entries;
  };
  return {
    get(sql, key) {
      const entries = cacheOf(sql);
      const known = entries.get(key);
      const now = performance.now();
      if (known && known.until > now) return known.found;
      const last = known && known.value !== null && outage?.keeps(known.value) ? known : undefined;
      const asked = find(sql, key);
      const found = asked.catch(error => {
        if (!last || now - last.foundAt > OUTAGE_MS || !outage?.isOutage(error)) throw error;
        entry.foundAt = last.foundAt;
        return last.value;
      });
      // Oldest first: a Map keeps the order of insertion.
      entries.delete(key);
      const entry: Entry<T> = { found, value: null, until: now + TRUST_MS, foundAt: now };
      entries.set(key, entry);
      found.then(
        value => {
          entry.value = value;
        },
        () => {},
      );
      if (entries.size > max) entries.delete(entries.keys().next().value!);
      found.catch(() => entries.delete(key));
      return found;
    },
    known: (sql, key) => caches.get(sql)?.get(key),
    forget: (sql, key) => void cacheOf(sql).delete(key),
  };
}
