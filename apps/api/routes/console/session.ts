/** Entering and leaving the web console. */
import { Elysia, t } from "elysia";
import {
  type ConsoleSession,
  closeConsoleSession,
  findKey,
  openConsoleSession,
  roles,
} from "../../../../commerce/stores/index.ts";
import { Problem } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import {
  consoleCookie,
  consoleSessions,
  consoleToken,
  endedConsoleCookie,
  refuseForged,
} from "../../http/console-session.ts";
import { refuseOtherSites } from "../../http/cookies.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import { limited } from "../../http/rate-limit.ts";

const HOUR_MS = 3_600_000;
const role = oneOf(roles, { description: "view: looks and changes nothing; never more than the key may" });
const part = { keyId: t.String(), name: t.String({ description: "the key's" }), role };

const sessionView = t.Object(
  {
    ops: t.Nullable(t.Object(part, { description: "operator views" })),
    store: t.Nullable(
      t.Object(
        { ...part, storeId: t.String(), storeName: t.String(), currency: t.String() },
        { description: "merchant views of this store" },
      ),
    ),
    expiresAt: t.String({ format: "date-time" }),
  },
  {
    examples: [
      {
        ops: { keyId: "key_06gzjwdgye91zkssfzkz327pxg", name: "first start", role: "operate" },
        store: null,
        expiresAt: "2026-11-21T20:00:00.000Z",
      },
    ],
  },
);

function viewOf({ ops, store, expiresAt }: ConsoleSession) {
  return {
    ops: ops && { keyId: ops.id, name: ops.name, role: ops.role },
    store: store && {
      keyId: store.id,
      name: store.name,
      role: store.role,
      storeId: store.storeId,
      storeName: store.storeName,
      currency: store.currency,
    },
    expiresAt,
  };
}

const notLoggedIn = () =>
  new Problem(401, "not_logged_in", "There is no session of the console; enter a key first.");

export function consoleSessionRoutes(deps: ApiDeps) {
  const { sql, config } = deps;
  return new Elysia({ prefix: "/console/session", detail: { tags: ["console"] } })
    .get(
      "",
      async ({ request }) => {
        const token = consoleToken(request.headers);
        const session = token === undefined ? null : await consoleSessions.get(sql, token);
        if (!session) throw notLoggedIn();
        return viewOf(session);
      },
      {
        detail: {
          summary: "What this session of the console opens",
          description: "401 `not_logged_in` without one, or when it is over.",
        },
        response: documented({ 200: sessionView }),
      },
    )
    .post(
      "",
      async ({ body, request, set }) => {
        refuseOtherSites(deps, request);
        const access = await findKey(sql, body.key.trim());
        if (!access) throw new Problem(401, "invalid_key", "This key is unknown or has been revoked.");
        if (access.kind === "publishable") {
          throw new Problem(
            403,
            "forbidden",
            "A publishable key opens no console; take an ops or secret key.",
          );
        }
        const before = consoleToken(request.headers);
        const opened = await openConsoleSession(sql, access, {
          role: body.role ?? "operate",
          before,
          lifeMs: config.consoleHours * HOUR_MS,
        });
        if (before) consoleSessions.forget(sql, before);
        set.status = 201;
        set.headers["set-cookie"] = consoleCookie(deps, request, opened);
        return viewOf(opened.session);
      },
      {
        body: t.Object(
          { key: t.String({ minLength: 1, maxLength: 200 }), role: t.Optional(role) },
          { additionalProperties: false, examples: [{ key: "op_…", role: "operate" }] },
        ),
        beforeHandle: limited(deps, "console_login"),
        detail: {
          summary: "Enter the console with an ops key or a secret key",
          description:
            "The answer's cookie (HttpOnly, SameSite=Strict) opens `/ops/*` or `/admin/*` of the key from the console's own " +
            "pages; a change wants the header `x-tradewind-console` as well. Entered with a session, a key is added to it, in " +
            "the place of one of its kind. 401 `invalid_key`, 403 `forbidden` (a publishable key), `cross_site_request`, 429 `rate_limited`.",
        },
        response: documented({ 201: sessionView }),
      },
    )
    .delete(
      "",
      async ({ request, set }) => {
        refuseForged(deps, request);
        const token = consoleToken(request.headers);
        if (token !== undefined) {
          await closeConsoleSession(sql, token);
          consoleSessions.forget(sql, token);
        }
        set.headers["set-cookie"] = endedConsoleCookie(deps, request);
        set.status = 204;
      },
      {
        detail: {
          summary: "Leave the console",
          description: "Wants the header `x-tradewind-console`; 403 `unmarked_request` without.",
        },
        response: documented({ 204: t.Void() }),
      },
    );
}
