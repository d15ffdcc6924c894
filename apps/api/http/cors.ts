/**
 * Shop fronts run in browsers, on origins of their own, and carry a publishable key that is public anyway: every origin
 * may call `/store/*`, without credentials. The other areas stay closed to pages of other origins.
 */
import { Elysia } from "elysia";

const DAY_SECONDS = 86_400;

const preflight = {
  "access-control-allow-methods": "GET, POST, PATCH, PUT, DELETE",
  "access-control-allow-headers":
    "authorization, content-type, x-publishable-key, idempotency-key, if-match, if-none-match, traceparent, x-request-id",
  "access-control-max-age": String(DAY_SECONDS),
};

const exposed =
  "etag, location, idempotency-replayed, retry-after, ratelimit, ratelimit-policy, x-request-id, x-cache, traceparent";

/** Headers of an answer to a route of `/store/*`, added to `headers`; others are left as they are. */
export function allowOrigins(route: string | undefined, headers: Record<string, unknown>): void {
  if (!route?.startsWith("/store/")) return;
  headers["access-control-allow-origin"] = "*";
  headers["access-control-expose-headers"] = exposed;
}

export function preflightRoutes() {
  return new Elysia().options(
    "/store/*",
    ({ set }) => {
      set.status = 204;
      Object.assign(set.headers, preflight);
    },
    { detail: { hide: true } },
  );
}
