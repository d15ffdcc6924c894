/** Jobs by hand, and the ledger: what became of every job. */

import { Elysia, t } from "elysia";
import { findJobs, getJob, jobStatuses } from "../../../../bus/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import { uuidPattern } from "../../../../platform/ids.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import { tryView } from "./dead.schema.ts";
import { submitJob } from "./submit-job.ts";

const MAX_DELAY_MS = 30 * 24 * 3_600_000;

const time = t.Nullable(t.String({ format: "date-time" }));

const jobView = t.Object({
  id: t.String(),
  kind: t.String(),
  version: t.Integer(),
  priority: t.String(),
  storeId: t.String(),
  key: t.String(),
  status: oneOf(jobStatuses),
  attempt: t.Integer(),
  payload: t.Unknown(),
  traceparent: t.String(),
  queuedAt: t.String({ format: "date-time" }),
  startedAt: time,
  finishedAt: time,
  worker: t.Nullable(t.String()),
  error: t.Nullable(t.String()),
  tries: t.Array(tryView),
});

export function jobRoutes(deps: ApiDeps) {
  return new Elysia({ prefix: "/ops", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .post(
      "/jobs",
      async ({ body, set, traceparent }) => {
        const id = await submitJob(deps, { ...body, traceparent });
        set.status = 202;
        set.headers.location = `/ops/jobs/${id}`;
        return { id };
      },
      {
        detail: {
          summary: "Enqueue a job",
          description:
            "Without `storeId` a drill belongs to no store (`-`), any other job to the oldest store.",
        },
        body: t.Object(
          {
            kind: t.String({ minLength: 1, maxLength: 64 }),
            payload: t.Optional(t.Unknown()),
            key: t.Optional(t.String({ pattern: "^[!-~]{1,200}$", maxLength: 200 })),
            delayMs: t.Optional(t.Integer({ minimum: 0, maximum: MAX_DELAY_MS })),
            storeId: t.Optional(t.String({ minLength: 1, maxLength: 64 })),
          },
          { additionalProperties: false },
        ),
        response: documented({ 202: t.Object({ id: t.String() }) }),
      },
    )
    .get(
      "/jobs",
      async ({ query }) => {
        const { limit = 20, ...filter } = query;
        return findJobs(deps.sql, { ...filter, limit });
      },
      {
        detail: { summary: "Jobs of the ledger and those that wait in the outbox, latest first" },
        query: t.Object(
          {
            key: t.Optional(t.String({ maxLength: 200 })),
            kind: t.Optional(t.String({ maxLength: 64 })),
            status: t.Optional(oneOf(jobStatuses)),
            limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
            cursor: t.Optional(t.String({ maxLength: 200 })),
          },
          { additionalProperties: false },
        ),
        response: documented({
          200: t.Object({ items: t.Array(jobView), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .get(
      "/jobs/:id",
      async ({ params }) => {
        const job = uuidPattern.test(params.id) ? await getJob(deps.sql, params.id) : null;
        if (!job) throw notFound("job");
        return job;
      },
      { detail: { summary: "One job with its tries" }, response: documented({ 200: jobView }) },
    );
}
