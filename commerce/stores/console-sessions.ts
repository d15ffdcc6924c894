/**
 * Sessions of the web console. A person enters a key once; from then on the browser holds a token in a cookie, and the
 * server knows which keys the token stands for. Adding a second key, or another one in its place, makes a new token and
 * ends the old one in the same statement, so a token that was planted before somebody entered a key opens nothing.
 *
 * Postgres alone holds them: nodes come and go, and revoking a key must end what was entered with it. Crash: a session is
 * there whole or not at all; when the answer that carried its token is lost, nobody knows the token and it lapses.
 */
import { newToken } from "../../platform/ids.ts";
import type { Sql } from "../../platform/postgres/index.ts";
import type { Access, Role } from "./model.ts";
import * as rows from "./store.console-sessions.ts";
import { touchKey } from "./store.ts";

/** One of the two keys of a session, with the lesser of its own role and the one that was entered with it. */
export type SessionPart = Access & { readonly name: string };

export type ConsoleSession = {
  readonly ops: SessionPart | null;
  readonly store: (SessionPart & { storeId: string; storeName: string; currency: string }) | null;
  readonly expiresAt: Date;
};

export type NewConsoleSession = { readonly token: string; readonly session: ConsoleSession };

/** A session that nobody uses for that long is over before its time. */
const IDLE_MS = 2 * 3_600_000;
/** The time of last use is written at most this often. */
const TOUCH_MS = 60_000;

/** Not to be guessed and not kept: 160 random bits, hashed. */
function hashOf(token: string): Buffer {
  return new Bun.CryptoHasher("sha256").update(token).digest() as unknown as Buffer;
}

const shape = /^con_[0-9a-z]{32}$/;

/**
 * A session that stands for `access`, and for the key of the other kind that the session `before` held.
 * `role` can only lower what the key may do.
 */
export async function openConsoleSession(
  sql: Sql,
  access: Access,
  { role, before, lifeMs }: { role: Role; before: string | undefined; lifeMs: number },
): Promise<NewConsoleSession> {
  const token = newToken("con");
  await rows.replaceSession(sql, {
    hash: hashOf(token),
    before: before !== undefined && shape.test(before) ? hashOf(before) : null,
    kind: access.kind === "ops" ? "ops" : "store",
    keyId: access.id,
    role,
    lifeMs,
    idleMs: IDLE_MS,
  });
  const session = await findConsoleSession(sql, token);
  if (!session) throw new Error("a console session that was just opened is gone");
  return { token, session };
}

/** Null when the token is malformed or unknown, the session over, or every key of it revoked. */
export async function findConsoleSession(sql: Sql, token: string): Promise<ConsoleSession | null> {
  if (!shape.test(token)) return null;
  const found = await rows.selectSession(sql, hashOf(token), { idleMs: IDLE_MS, touchMs: TOUCH_MS });
  if (!found || (found.ops === null && found.store === null)) return null;
  if (found.stale) await touch(sql, hashOf(token), found);
  return { ops: found.ops, store: found.store, expiresAt: found.expiresAt };
}

/** Who works in the console uses its keys: lists of keys must not show them as idle. One row at a time: no order to keep. */
async function touch(sql: Sql, hash: Buffer, { ops, store }: ConsoleSession): Promise<void> {
  await rows.touchSession(sql, hash, TOUCH_MS);
  if (ops) await touchKey(sql, ops.id, TOUCH_MS);
  if (store) await touchKey(sql, store.id, TOUCH_MS);
}

/** Ends a session; one that is over already stays so. */
export async function closeConsoleSession(sql: Sql, token: string): Promise<void> {
  if (shape.test(token)) await rows.deleteSession(sql, hashOf(token));
}

/** Removes some of those that are over. */
export function sweepConsoleSessions(sql: Sql): Promise<number> {
  return rows.deleteEnded(sql, IDLE_MS);
}
