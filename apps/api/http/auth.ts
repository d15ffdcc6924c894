/**
 * Who may ask. Three guards, one per area: `/store/*` wants a publishable key, `/admin/*` a secret key, `/ops/*` an ops
 * key. Missing or wrong: 401; a good key of another kind: 403. The store comes from the key alone.
 *
 * A looked-up key is trusted for a second, so a revocation takes effect within that time on every node.
 *
 * Instead of a key in the header, `/admin/*` and `/ops/*` take the session of the web console (console-session.ts). A key
 * or session of the role `view` opens what changes nothing.
 */
import { Elysia } from "elysia";
import type { Author } from "../../../commerce/audit/index.ts";
import { type Access, findKey, type KeyKind, type Role } from "../../../commerce/stores/index.ts";
import { Problem } from "../../../platform/errors.ts";
import type { Db } from "../../../platform/postgres/index.ts";
import { cacheOf } from "../cache/index.ts";
import type { ApiDeps } from "../deps.ts";
import { consoleAccess } from "./console-session.ts";
import type { RequestMeta } from "./context.ts";
import { changesNothing } from "./cookies.ts";
import { lifesignOf } from "./lifesign.ts";
import { isUnreachable } from "./problem.ts";
import { trusting } from "./trusting.ts";

const MAX_TRUSTED = 2_000;

export type StoreAccess = { readonly storeId: string; readonly keyId: string; readonly kind: KeyKind };
export type OpsAccess = { readonly keyId: string; readonly kind: "ops" };

/** Only those of shop fronts outlive an outage: what is kept can be read with them, and all else needs the database. */
const lookUp = trusting<Access>(findUnlessFrozen, MAX_TRUSTED, {
  isOutage: isUnreachable,
  keeps: ({ kind }) => kind === "publishable",
});

/** Others wait for the database: it may only be slow. */
function findUnlessFrozen(sql: Db, key: string): Promise<Access | null> {
  const find = () => findKey(sql, key);
  return key.startsWith("pk_") ? lifesignOf(sql).unlessFrozen(find) : find();
}

/** `performance.now()` until which a publishable key that was looked up opens the shop; 0: it must be looked up. */
export function keyTrustedUntil(sql: Db, key: string): number {
  const known = lookUp.known(sql, key);
  return known?.value?.kind === "publishable" ? known.until : 0;
}

function unauthorized(wanted: string, challenge: string): Problem {
  return new Problem(401, "unauthorized", `This route wants ${wanted}.`, {
    headers: { "www-authenticate": challenge },
  });
}

const wants = {
  publishable: {
    text: "a publishable key in the header x-publishable-key",
    challenge: 'ApiKey realm="store", header="x-publishable-key"',
  },
  secret: { text: "a secret key as Authorization: Bearer sk_…", challenge: 'Bearer realm="admin"' },
  ops: { text: "an ops key as Authorization: Bearer op_…", challenge: 'Bearer realm="ops"' },
} as const;

function keyOf(headers: Headers, kind: KeyKind): string | undefined {
  if (kind === "publishable") return headers.get("x-publishable-key")?.trim() || undefined;
  return /^Bearer +(\S+)\s*$/i.exec(headers.get("authorization") ?? "")?.[1];
}

/** The access that a request's key gives. @throws Problem 401 or 403. */
export async function authenticate(sql: Db, headers: Headers, kind: KeyKind): Promise<Access> {
  const want = wants[kind];
  const key = keyOf(headers, kind);
  const access = key === undefined ? null : await lookUp.get(sql, key);
  if (!access) throw unauthorized(want.text, want.challenge);
  if (access.kind !== kind) {
    throw new Problem(403, "forbidden", `A ${access.kind} key does not open this; it wants ${want.text}.`);
  }
  return access;
}

/** @throws Problem 403 when a key that only looks is used for a change. */
function refuseChange(role: Role, method: string): void {
  if (role === "operate" || changesNothing(method)) return;
  throw new Problem(403, "view_only", "This key or session may look, and change nothing.");
}

/** What such requests change is old everywhere on this node before they are answered. */
function guard(deps: ApiDeps, kind: KeyKind) {
  return new Elysia()
    .onAfterHandle({ as: "scoped" }, context => {
      const { request, meta } = context as unknown as { request: Request; meta: RequestMeta };
      if (kind === "publishable" || changesNothing(request.method)) return;
      return cacheOf(deps).settle(meta.traceparent);
    })
    .derive({ as: "scoped" }, async context => {
      const meta = (context as unknown as { meta: RequestMeta }).meta;
      const { request } = context;
      const access =
        (kind === "publishable" ? null : await consoleAccess(deps, request, kind)) ??
        (await authenticate(deps.sql, request.headers, kind));
      refuseChange(access.role, request.method);
      meta.storeId = access.storeId ?? undefined;
      return {
        access: { storeId: access.storeId ?? "", keyId: access.id, kind: access.kind } as StoreAccess,
        author: {
          storeId: access.storeId ?? "",
          actor: access.id,
          route: `${request.method} ${context.route}`.replace(/(.)\/$/, "$1"),
          traceparent: meta.traceparent,
        } as Author,
        traceparent: meta.traceparent,
        requestId: meta.requestId,
      };
    });
}

/** `access` of a shop front: `x-publishable-key`. */
export const storeAuth = (deps: ApiDeps) => guard(deps, "publishable");
/** `access` of a store's back office: `Authorization: Bearer sk_…`. */
export const adminAuth = (deps: ApiDeps) => guard(deps, "secret");
/** `access` of the deployment's operators: `Authorization: Bearer op_…`; its `storeId` is empty. */
export const opsAuth = (deps: ApiDeps) => guard(deps, "ops");
