/**
 * What holds for all our cookies. A cookie travels with requests that other sites cause, so one that changes something is
 * checked for where it comes from (as Go's http.CrossOriginProtection does): by Sec-Fetch-Site, else by Origin against
 * Host. A request with neither comes from no browser. `SameSite` is the second lock on that door.
 */
import { Problem } from "../../../platform/errors.ts";
import type { ApiDeps } from "../deps.ts";
import { createClientIp } from "./client-ip.ts";
import { perNode } from "./per-node.ts";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

export const changesNothing = (method: string) => SAFE_METHODS.has(method);

/** @throws Problem 403 for a request that a page of another site sent and that changes something. */
export function refuseOtherSites({ config }: ApiDeps, { method, headers }: Request): void {
  if (changesNothing(method)) return;
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  if (site === "same-origin" || site === "none" || (site === null && origin === null)) return;
  const from = origin === null ? null : URL.parse(origin);
  const ours = [headers.get("host"), config.publicUrl && URL.parse(config.publicUrl)?.host];
  if (from && ours.includes(from.host) && (site === null || config.publicUrl)) return;
  throw new Problem(403, "cross_site_request", "A cookie counts only for requests of our own pages.");
}

const proxiesOf = perNode(deps => createClientIp(deps.config.trustedProxies));

/**
 * `Secure` where we are reached by TLS; browsers would not send it back over plain HTTP. X-Forwarded-Proto is believed of a
 * trusted proxy only: with the peer as itself, a proxy would name another address.
 */
export function secure(deps: ApiDeps, request: Request): string {
  const { publicUrl } = deps.config;
  const behindProxy = proxiesOf(deps)(deps.peerOf?.(request), "0.0.0.0") === "0.0.0.0";
  const proto = behindProxy ? request.headers.get("x-forwarded-proto") : null;
  return publicUrl?.startsWith("https:") || proto === "https" ? "; Secure" : "";
}
