/**
 * The cookie of the web console. It stands for keys that a person entered (commerce/stores); the keys themselves never
 * reach the browser again. It opens `/ops/*` and `/admin/*` as those keys would, under three conditions that a key in a
 * header does not need, because a browser sends a cookie by itself:
 *
 * - a change must come from our own pages (cookies.ts), and carry the header {@link MARK}, which no form can send and
 *   which a script of another origin may not send without a preflight that we never answer;
 * - reads that a page of another site causes are refused as well, and the cookie is `SameSite=Strict`;
 * - a key in the header goes first: programs never depend on a cookie that happens to be there.
 */
import {
  type Access,
  type ConsoleSession,
  findConsoleSession,
  type KeyKind,
  type NewConsoleSession,
} from "../../../commerce/stores/index.ts";
import { Problem } from "../../../platform/errors.ts";
import type { ApiDeps } from "../deps.ts";
import { changesNothing, refuseOtherSites, secure } from "./cookies.ts";
import { trusting } from "./trusting.ts";

const COOKIE = "tradewind_console";
export const MARK = "x-tradewind-console";
const MAX_TRUSTED = 200;

export const consoleSessions = trusting<ConsoleSession>(
  (sql, token) => findConsoleSession(sql, token),
  MAX_TRUSTED,
);

export function consoleToken(headers: Headers): string | undefined {
  return /(?:^|;\s*)tradewind_console=(con_[0-9a-z]{32})(?:;|$)/.exec(headers.get("cookie") ?? "")?.[1];
}

/** @throws Problem 403 for what another site may have caused. */
export function refuseForged(deps: ApiDeps, request: Request): void {
  refuseOtherSites(deps, request);
  const { method, headers } = request;
  if (changesNothing(method)) {
    const site = headers.get("sec-fetch-site");
    if (site !== "cross-site" && site !== "same-site") return;
    throw new Problem(403, "cross_site_request", "The console's session counts only for its own pages.");
  }
  if (headers.get(MARK) !== null) return;
  throw new Problem(403, "unmarked_request", `With the console's session a change wants the header ${MARK}.`);
}

/**
 * What the session of a request opens of this kind; null when there is no session, or a key is given that goes first.
 * @throws Problem 403 when the session has no key of this kind, or another site may have sent the request.
 */
export async function consoleAccess(deps: ApiDeps, request: Request, kind: KeyKind): Promise<Access | null> {
  const { headers } = request;
  if (headers.has("authorization")) return null;
  const token = consoleToken(headers);
  const session = token === undefined ? null : await consoleSessions.get(deps.sql, token);
  if (!session) return null;
  refuseForged(deps, request);
  const part = kind === "ops" ? session.ops : session.store;
  if (part) return part;
  const wanted = kind === "ops" ? "an ops key" : "a store's secret key";
  throw new Problem(403, "forbidden", `This session has not been given ${wanted}.`);
}

export function consoleCookie(
  deps: ApiDeps,
  request: Request,
  { token, session }: NewConsoleSession,
): string {
  const seconds = Math.max(0, Math.floor((session.expiresAt.getTime() - Date.now()) / 1_000));
  return `${COOKIE}=${token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure(deps, request)}`;
}

export function endedConsoleCookie(deps: ApiDeps, request: Request): string {
  return `${COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0${secure(deps, request)}`;
}
