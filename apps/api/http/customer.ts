/**
 * Which customer asks, on routes that a publishable key has opened already. The session comes as `Authorization: Bearer
 * sess_…` or as our cookie; what is no session of this store (any more) makes a guest, not an error.
 *
 * A cookie counts only for requests of the shop's own pages (cookies.ts).
 */
import { Elysia } from "elysia";
import {
  type CustomerDeps,
  createPasswords,
  customerOfSession,
  type NewSession,
} from "../../../commerce/customers/index.ts";
import { Problem } from "../../../platform/errors.ts";
import type { ApiDeps } from "../deps.ts";
import type { StoreAccess } from "./auth.ts";
import { refuseOtherSites, secure } from "./cookies.ts";
import { perNode, redisOf } from "./per-node.ts";

export type LoggedIn = { readonly id: string; readonly token: string; readonly via: "bearer" | "cookie" };

const COOKIE = "tradewind_session";
/** Passwords that wait for a core; at 40 ms each the last one waits some seconds. */
const HASH_QUEUE = 64;

/** What the use cases of customers need, the same for all route files of a node. */
export const customersOf = perNode(
  (deps): CustomerDeps => ({
    sql: deps.sql,
    bus: deps.bus,
    redis: redisOf(deps),
    passwords: createPasswords({ concurrency: deps.config.passwordHashes, queue: HASH_QUEUE }),
    sessionMs: deps.config.sessionDays * 86_400_000,
  }),
);

function presented(headers: Headers): Omit<LoggedIn, "id"> | null {
  const bearer = /^Bearer +(sess_[0-9a-z]{32})\s*$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (bearer) return { token: bearer, via: "bearer" };
  const cookie = /(?:^|;\s*)tradewind_session=(sess_[0-9a-z]{32})(?:;|$)/.exec(headers.get("cookie") ?? "");
  return cookie ? { token: cookie[1]!, via: "cookie" } : null;
}

/** Adds `customer`: who is logged in, or null for a guest. Comes after {@link storeAuth}, which knows the store. */
export function customerContext(deps: ApiDeps) {
  const customers = customersOf(deps);
  return new Elysia().derive({ as: "scoped" }, async context => {
    const { request, access } = context as unknown as { request: Request; access: StoreAccess };
    const session = presented(request.headers);
    if (session === null) return { customer: null as LoggedIn | null };
    if (session.via === "cookie") refuseOtherSites(deps, request);
    const id = await customerOfSession(customers, access.storeId, session.token);
    return { customer: id === null ? null : ({ ...session, id } as LoggedIn | null) };
  });
}

/** @throws Problem 401 for a guest. */
export function loggedIn(customer: LoggedIn | null): LoggedIn {
  if (customer) return customer;
  throw new Problem(401, "not_logged_in", "This route wants a customer's session; log in first.", {
    headers: { "www-authenticate": 'Bearer realm="store"' },
  });
}

export function sessionCookie(deps: ApiDeps, request: Request, session: NewSession): string {
  const seconds = Math.max(0, Math.floor((session.expiresAt.getTime() - Date.now()) / 1_000));
  return `${COOKIE}=${session.token}; Path=/store; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure(deps, request)}`;
}

export function endedCookie(deps: ApiDeps, request: Request): string {
  return `${COOKIE}=; Path=/store; HttpOnly; SameSite=Lax; Max-Age=0${secure(deps, request)}`;
}
