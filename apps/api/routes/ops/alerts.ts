/** What is wrong with the cluster, and what was. */
import { Elysia, t } from "elysia";
import { alertStates, listAlerts, severities } from "../../../../platform/alerts/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";

const time = t.String({ format: "date-time" });
const severity = oneOf(severities);
const state = oneOf(alertStates, {
  description: "pending: true, but not for long enough; firing; resolved: over, kept for 30 days",
});

const alertView = t.Object({
  id: t.String({ format: "uuid" }),
  rule: t.String({ examples: ["BacklogTooOld"] }),
  subject: t.String({ description: "what it is about, such as a kind of job; empty for the whole" }),
  severity,
  state,
  summary: t.String({ examples: ["the oldest job of email.send has waited 92 s; the target is 30 s"] }),
  value: t.Number(),
  since: time,
  firedAt: t.Nullable(time),
  resolvedAt: t.Nullable(time),
});

export function alertRoutes({ sql, ...deps }: ApiDeps) {
  return new Elysia({ prefix: "/ops/alerts", detail: { tags: ["ops"] } })
    .use(opsAuth({ sql, ...deps }))
    .get("/", ({ query: { limit = 20, ...filter } }) => listAlerts(sql, { limit, ...filter }), {
      query: t.Object(
        {
          state: t.Optional(state),
          severity: t.Optional(severity),
          limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
          cursor: t.Optional(t.String({ maxLength: 64 })),
        },
        { additionalProperties: false },
      ),
      detail: { summary: "Alerts, newest first" },
      response: documented({
        200: t.Object({ items: t.Array(alertView), nextCursor: t.Nullable(t.String()) }),
      }),
    });
}
