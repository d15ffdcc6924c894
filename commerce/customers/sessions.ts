/**
 * Sessions: rows in Postgres, remembered in Redis for {@link CACHE_MS} so that most requests cost no query.
 *
 * Reads: Redis; else Postgres, which then fills Redis, but only where nothing stands (`NX`). Revocation: the row is
 * deleted and committed, then a tombstone is written over the entry. Why that can't bring a dead session back: a reader
 * that saw the row before it was deleted fills after the tombstone only where none stands, and tombstones live as long
 * as entries.
 *
 * What a failure does: Redis away → every request asks Postgres. A crash, or a Redis that is away, between the commit
 * and the tombstone leaves an entry that opens for what is left of its CACHE_MS, and no longer.
 *
 * Expiry rolls: a session that is used is good for its full life again, written at most once an hour; but none outlives
 * {@link LONGEST_MS} without its password being typed again.
 */
import { newToken } from "../../platform/ids.ts";
import type { Db, Sql } from "../../platform/postgres/index.ts";
import { type SharedRedis, unreached } from "../../platform/redis/index.ts";
import { isSessionToken, type NewSession, tokenHash } from "./model.ts";
import * as store from "./store.ts";

const CACHE_MS = 30_000;
const EXTEND_AFTER_MS = 3_600_000;
const LONGEST_MS = 180 * 86_400_000;
const TOMBSTONE = "revoked";

export type SessionDeps = {
  readonly sql: Db;
  readonly redis: SharedRedis;
  /** How long a session lives without being used. */
  readonly sessionMs: number;
};

type Cached = { customerId: string; expiresAtMs: number };

const cacheKey = (storeId: string, hash: Buffer) => `tradewind:session:${storeId}:${hash.toString("hex")}`;

/** Null when the password is no longer the one that was verified. */
export async function openSession(
  { sql, sessionMs }: { sql: Sql; sessionMs: number },
  storeId: string,
  owner: { id: string; passwordHash: string },
): Promise<NewSession | null> {
  const token = newToken("sess");
  const expiresAt = await store.insertSession(sql, storeId, {
    hash: tokenHash(token),
    customerId: owner.id,
    passwordHash: owner.passwordHash,
    lifeMs: sessionMs,
  });
  return expiresAt && { token, expiresAt };
}

/** The customer whose session this is; null when it is unknown, expired, revoked, or another store's. */
export async function customerOfSession(
  deps: SessionDeps,
  storeId: string,
  token: string,
): Promise<string | null> {
  if (!isSessionToken(token)) return null;
  const hash = tokenHash(token);
  const key = cacheKey(storeId, hash);
  const cached = await deps.redis.attempt(redis => redis.get<Cached | typeof TOMBSTONE>(key));
  if (cached === TOMBSTONE) return null;
  if (cached !== unreached && cached !== null) {
    return cached.expiresAtMs > Date.now() ? cached.customerId : null;
  }
  const row = await store.selectSession(deps.sql, storeId, hash, EXTEND_AFTER_MS);
  if (!row) return null;
  if (row.stale) {
    const life = { extendAfterMs: EXTEND_AFTER_MS, lifeMs: deps.sessionMs, longestMs: LONGEST_MS };
    await store.extendSession(deps.sql, storeId, hash, life);
  }
  const entry: Cached = { customerId: row.customerId, expiresAtMs: row.expiresAt.getTime() };
  if (cached !== unreached) {
    await deps.redis.attempt(redis => redis.set(key, entry, { px: CACHE_MS, nx: true }));
  }
  return row.customerId;
}

export async function closeSession(deps: SessionDeps, storeId: string, token: string): Promise<void> {
  const hash = tokenHash(token);
  await store.deleteSession(deps.sql, storeId, hash);
  await forgetSessions(deps.redis, storeId, [hash]);
}

/** After the commit that deleted them. */
export async function forgetSessions(
  redis: SharedRedis,
  storeId: string,
  hashes: readonly Buffer[],
): Promise<void> {
  if (hashes.length === 0) return;
  await redis.attempt(client =>
    Promise.all(hashes.map(hash => client.set(cacheKey(storeId, hash), TOMBSTONE, { px: CACHE_MS }))),
  );
}
