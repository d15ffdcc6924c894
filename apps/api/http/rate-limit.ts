/**
 * Rate limits of the routes that cost much or invite guessing: by client address (a /64 counts as one) and by account,
 * each per store. Limits are shared by all nodes through Redis: before a request is let through where guessing must end
 * (gcra.ts), within 50 ms where speed counts (gcra.deferred.ts). Answers carry `RateLimit-Policy` and
 * `RateLimit` as draft-ietf-httpapi-ratelimit-headers-10 has them, and a refusal is a 429 with `Retry-After`.
 */
import { Problem } from "../../../platform/errors.ts";
import type { ApiDeps } from "../deps.ts";
import type { StoreAccess } from "./auth.ts";
import { type ClientIp, createClientIp, networkOf } from "./client-ip.ts";
import type { RequestMeta } from "./context.ts";
import { createDeferredLimiter } from "./gcra.deferred.ts";
import { type Bucket, createLimiter, type Limiter, type Taken } from "./gcra.ts";
import { perNode, redisOf } from "./per-node.ts";

const MINUTE_MS = 60_000;
type Rate = { readonly quota: number; readonly windowMs: number };
const per = (windowMs: number, quota: number): Rate => ({ quota, windowMs });

/**
 * The limits, all of them; TRADEWIND_RATE_LIMIT_FACTOR multiplies each quota. Addresses get room for the many people behind
 * one; an account is one person. What an account is: the mail (registration, login, password reset), the customer (search),
 * the customer or else the cart (checkout: a guest's cart is counted by each node for itself).
 */
export const limits = {
  // A guess at a password costs the guesser a 30 s wait after the first ten.
  login: { shared: "strict", address: per(MINUTE_MS, 60), account: per(5 * MINUTE_MS, 10) },
  // Keys are no passwords: 160 random bits. This keeps whoever tries anyway from costing us queries.
  console_login: { shared: "strict", address: per(MINUTE_MS, 20), account: per(MINUTE_MS, 20) },
  registration: { shared: "strict", address: per(MINUTE_MS, 30), account: per(10 * MINUTE_MS, 10) },
  // Each one may send a mail to somebody who did not ask for it.
  password_reset: { shared: "strict", address: per(MINUTE_MS, 20), account: per(15 * MINUTE_MS, 5) },
  search: { shared: "soon", address: per(MINUTE_MS, 1_200), account: per(MINUTE_MS, 600) },
  // High: everybody comes at once when a sale opens, and many through one address. Stock is guarded elsewhere.
  checkout: { shared: "soon", address: per(MINUTE_MS, 3_000), account: per(MINUTE_MS, 60) },
} as const satisfies Record<string, { shared: "strict" | "soon"; address: Rate; account: Rate }>;

/** Of routes that belong to no store. */
const NO_STORE = "-";

export type LimitName = keyof typeof limits;

/** What a limit reads of a request. Named one by one: Elysia reads the source of a hook to see what to parse. */
type Asked = {
  request: Request;
  access?: unknown;
  body?: unknown;
  params?: unknown;
  customer?: unknown;
  meta?: unknown;
};

/** What accounts are made of: the parts of the request that a route knows the types of. */
export type AccountParts = { body: unknown; params: unknown; customer: { id: string } | null };

const limitsOf = perNode(deps => ({
  strict: createLimiter(redisOf(deps)) as Limiter,
  soon: createDeferredLimiter(redisOf(deps)) as Limiter,
  clientIp: createClientIp(deps.config.trustedProxies) as ClientIp,
  refused: deps.metrics.counter("tradewind_rate_limited_total", "Requests refused by a rate limit", [
    "limit",
  ]),
}));

/** A hook (`beforeHandle`) that counts a request against the limit `name`. @throws Problem 429 `rate_limited`. */
export function limited(
  deps: ApiDeps,
  name: LimitName,
  accountOf: (parts: AccountParts) => Account = () => undefined,
) {
  const { strict, soon, clientIp, refused } = limitsOf(deps);
  const limiter = limits[name].shared === "soon" ? soon : strict;
  return async ({ request, access, body, params, customer, meta }: Asked): Promise<void> => {
    const storeId = (access as StoreAccess | undefined)?.storeId ?? NO_STORE;
    const ip = clientIp(deps.peerOf?.(request), request.headers.get("x-forwarded-for"));
    const account = accountOf({ body, params, customer: (customer as AccountParts["customer"]) ?? null });
    const policies = policiesOf(name, storeId, networkOf(ip), account, deps.config.rateLimitFactor);
    const taken = await limiter.take(policies);
    (meta as RequestMeta).headers = headersOf(policies, taken);
    if (taken.allowed) return;
    refused.inc({ limit: name });
    const seconds = Math.max(1, Math.ceil(Math.max(...taken.levels.map(level => level.waitUs)) / 1_000_000));
    throw new Problem(429, "rate_limited", `Too many requests; try again in ${seconds} s.`, {
      headers: { "retry-after": String(seconds) },
    });
  };
}

/** `alone`: not worth telling the other nodes, as there is a new one with nearly each request. */
type Account = string | { readonly id: string; readonly alone: true } | undefined;

type Policy = Bucket & { readonly name: string };

/** Accounts stand in Redis as a hash: a mail address has no business there. */
function policiesOf(
  name: LimitName,
  storeId: string,
  network: string,
  account: Account,
  factor: number,
): Policy[] {
  const { address, account: perAccount } = limits[name];
  const policy = (suffix: string, rate: Rate, subject: string): Policy => ({
    name: suffix ? `${name}-${suffix}` : name,
    key: `${name}:${suffix || "address"}:${storeId}:${subject}`,
    quota: rate.quota * factor,
    windowMs: rate.windowMs,
  });
  const policies = [policy("", address, network)];
  if (account !== undefined) {
    const { id, alone = false } = typeof account === "string" ? { id: account } : account;
    const hash = new Bun.CryptoHasher("sha256").update(id).digest("base64url").slice(0, 24);
    policies.push({ ...policy("account", perAccount, hash), alone });
  }
  return policies;
}

/** Structured fields (RFC 9651): `"login";q=60;w=60` and `"login";r=59;t=1`. */
function headersOf(policies: readonly Policy[], { levels }: Taken): Record<string, string> {
  return {
    "ratelimit-policy": policies
      .map(({ name, quota, windowMs }) => `"${name}";q=${quota};w=${windowMs / 1_000}`)
      .join(", "),
    ratelimit: policies
      .map(
        ({ name }, i) => `"${name}";r=${levels[i]!.remaining};t=${Math.ceil(levels[i]!.resetUs / 1_000_000)}`,
      )
      .join(", "),
  };
}
