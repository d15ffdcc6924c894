import { invalid, notFound } from "../../platform/errors.ts";
import { newId, newToken } from "../../platform/ids.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import {
  type Access,
  type KeyInfo,
  type KeyKind,
  keyHash,
  keyPrefixes,
  looksLikeKey,
  type Role,
  type Store,
  shownPrefix,
} from "./model.ts";
import * as rows from "./store.ts";

/** The time of last use is written at most once a minute and key: it is for people, not for accounting. */
const LAST_USED_THROTTLE_MS = 60_000;

export type NewStore = { name: string; currency: string; id?: string };

/** An existing `id` gives the store that is there, unchanged. @throws Problem 422 for a bad name or currency. */
export async function createStore(sql: Sql, input: NewStore): Promise<Store> {
  const store = { id: input.id ?? newId("store"), name: input.name.trim(), currency: input.currency };
  if (store.name.length < 1 || store.name.length > 255) {
    throw invalid([{ path: "name", message: "must have 1 to 255 characters" }]);
  }
  if (!/^[A-Z]{3}$/.test(store.currency)) {
    throw invalid([{ path: "currency", message: "must be a code of ISO 4217, such as EUR" }]);
  }
  return (await rows.insertStore(sql, store)) ?? (await rows.selectStore(sql, store.id))!;
}

export function getStore(sql: Sql, id: string): Promise<Store | null> {
  return rows.selectStore(sql, id);
}

/** In the order of their ids, which is that of creation; at most `limit` (100) after the id `after`. */
export function listStores(sql: Sql, page: { after?: string; limit?: number } = {}): Promise<Store[]> {
  return rows.selectStores(sql, page.after ?? "", Math.min(page.limit ?? 100, 1_000));
}

/** `role` is `operate` when not given. */
export type KeyRequest = { kind: KeyKind; storeId: string | null; name: string; role?: Role | undefined };

/** `storeId` is null for an ops key and only then. The key itself is returned here once and never again. */
export async function createKey(
  sql: Sql,
  { role = "operate", ...input }: KeyRequest,
): Promise<{ id: string; key: string }> {
  if ((input.kind === "ops") !== (input.storeId === null)) {
    throw invalid([{ path: "storeId", message: "must be set for every kind of key but ops" }]);
  }
  if (input.name.length < 1 || input.name.length > 255) {
    throw invalid([{ path: "name", message: "must have 1 to 255 characters" }]);
  }
  if (role === "view" && input.kind === "publishable") {
    throw invalid([{ path: "role", message: "must be operate for a publishable key" }]);
  }
  if (input.storeId !== null && !(await rows.selectStore(sql, input.storeId))) throw notFound("store");
  const key = newToken(keyPrefixes[input.kind]);
  const id = newId("key");
  await rows.insertKey(sql, { ...input, role, id, hash: keyHash(key), prefix: shownPrefix(key) });
  return { id, key };
}

/**
 * What the key stands for; null when it is malformed, unknown or revoked. One indexed read, which sees a revocation as
 * soon as it is committed.
 */
export async function findKey(sql: Sql, key: string): Promise<Access | null> {
  if (!looksLikeKey(key)) return null;
  const found = await rows.selectKey(sql, keyHash(key), LAST_USED_THROTTLE_MS);
  if (!found) return null;
  if (found.stale) await rows.touchKey(sql, found.id, LAST_USED_THROTTLE_MS);
  return { id: found.id, kind: found.kind, storeId: found.storeId, role: found.role };
}

/**
 * Of one store, of the deployment (`null`: ops keys), or all of them, in the order of creation; at most `limit` (1,000) after
 * the id `after`. Revoked ones are shown as such.
 */
export function listKeys(
  sql: Sql,
  storeId?: string | null,
  page: { after?: string; limit?: number } = {},
): Promise<KeyInfo[]> {
  return rows.selectKeys(sql, storeId, {
    after: page.after ?? "",
    limit: Math.min(page.limit ?? 1_000, 1_000),
  });
}

/** False when there is no such key or it is revoked already. */
export function revokeKey(sql: Sql, id: string): Promise<boolean> {
  return rows.markRevoked(sql, id);
}
