/** Jobs by hand, and the ledger: what became of every job. */

import { Elysia, t } from "elysia";
import { findJobs, getJob, jobStatuses } from "../../../../bus/index.ts";
import { invalid, notFound } from "../../../../platform/errors.ts";
import { uuidPattern } from "../../../../platform/ids.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import { jobView, jobWithProgress } from "./jobs.schema.ts";
import { submitJob } from "./submit-job.ts";

const DAY_MS = 24 * 3_600_000;
const MAX_DELAY_MS = 30 * DAY_MS;
/** A job for later than this is a mistake, or one for a schedule. */
const MAX_AHEAD_MS = 2 * 366 * DAY_MS;

const unique = t.Object(
  {
    mode: oneOf(["drop", "replace", "debounce"]),
    until: t.Optional(oneOf(["start", "end"], { description: "default start" })),
    key: t.Optional(
      t.String({ pattern: "^[!-~]{1,200}$", maxLength: 200, description: "default: the job's key" }),
    ),
    maxWaitMs: t.Optional(
      t.Integer({ minimum: 1, maximum: MAX_DELAY_MS, description: "debounce: the longest wait in all" }),
    ),
  },
  { additionalProperties: false },
);

const examples = [
  { kind: "drill.sleep.low", payload: { ms: 500 }, runAt: "2026-12-24T18:00:00Z" },
  {
    kind: "drill.noop.low",
    key: "drill:mine",
    delayMs: 2_000,
    unique: { mode: "debounce", maxWaitMs: 30_000 },
  },
];

/** @throws Problem 422 */
function startTime(text: string | undefined, delayMs: number | undefined): Date | undefined {
  if (text === undefined) return undefined;
  if (delayMs !== undefined) throw invalid([{ path: "runAt", message: "Give delayMs or runAt, not both." }]);
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) throw invalid([{ path: "runAt", message: "is no time (RFC 3339)" }]);
  if (at.getTime() > Date.now() + MAX_AHEAD_MS) {
    throw invalid([{ path: "runAt", message: "is more than two years ahead" }]);
  }
  return at;
}

/** @throws Problem 422 */
function timeIn(path: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const at = new Date(text);
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(at.getTime()) || at.getTime() < 0)
    throw invalid([{ path, message: "is no time (RFC 3339)" }]);
  return at;
}

export function jobRoutes(deps: ApiDeps) {
  return new Elysia({ prefix: "/ops", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .post(
      "/jobs",
      async ({ body, set, traceparent }) => {
        const runAt = startTime(body.runAt, body.delayMs);
        const made = await submitJob(deps, { ...body, runAt, traceparent });
        set.status = 202;
        set.headers.location = `/ops/jobs/${made.id}`;
        return made;
      },
      {
        detail: {
          summary: "Enqueue a job",
          description:
            "Without `storeId` a drill belongs to no store (`-`), any other job to the oldest store. It starts at " +
            "once, after `delayMs`, or at `runAt`. With `unique`, of the jobs of one key (in kind and store) one stands " +
            "for all until it starts (or has ended, `until`): a further one is dropped, replaces it, or makes it wait " +
            "`delayMs` anew with the new payload (debounce); `id` is that of the job that will do it.",
        },
        body: t.Object(
          {
            kind: t.String({ minLength: 1, maxLength: 64 }),
            payload: t.Optional(t.Unknown()),
            key: t.Optional(
              t.String({
                pattern: "^[!-?A-~]{1,200}$",
                maxLength: 200,
                description: "names what the job is about, by an id: never by a mail address",
              }),
            ),
            delayMs: t.Optional(t.Integer({ minimum: 0, maximum: MAX_DELAY_MS })),
            runAt: t.Optional(
              t.String({ maxLength: 40, description: "RFC 3339 time, at most two years ahead" }),
            ),
            storeId: t.Optional(t.String({ minLength: 1, maxLength: 64 })),
            unique: t.Optional(unique),
          },
          { additionalProperties: false, examples },
        ),
        response: documented({
          202: t.Object({
            id: t.String(),
            outcome: oneOf(["enqueued", "dropped", "replaced", "debounced"]),
          }),
        }),
      },
    )
    .get(
      "/jobs",
      async ({ query }) => {
        const { limit = 20, since, until, ...filter } = query;
        const times = { since: timeIn("since", since), until: timeIn("until", until) };
        return findJobs(deps.sql, { ...filter, ...times, limit });
      },
      {
        detail: { summary: "Jobs of the ledger and those that wait in the outbox, latest first" },
        query: t.Object(
          {
            key: t.Optional(t.String({ maxLength: 200 })),
            kind: t.Optional(t.String({ maxLength: 64 })),
            status: t.Optional(oneOf(jobStatuses)),
            storeId: t.Optional(t.String({ maxLength: 64 })),
            since: t.Optional(t.String({ maxLength: 40, description: "enqueued at or after, RFC 3339" })),
            until: t.Optional(t.String({ maxLength: 40, description: "enqueued before, RFC 3339" })),
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
        return { ...job, progress: job.finishedAt ? null : await deps.bus.progress.read(job.id) };
      },
      {
        detail: { summary: "One job with its tries, and how far it is while it runs" },
        response: documented({ 200: jobWithProgress }),
      },
    );
}
