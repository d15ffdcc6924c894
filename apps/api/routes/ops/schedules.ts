/** Schedules: what is due when, what became of it, pausing it and running it by hand. */
import { Elysia, t } from "elysia";
import {
  listTicks,
  runNow,
  type Schedule,
  schedules,
  setSchedule,
  viewSchedules,
} from "../../../../bus/index.ts";
import { invalid, notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";

const time = t.String({ format: "date-time" });

const tickView = t.Object({
  tick: t.String({ format: "date-time", description: "when it was due, or asked for by hand" }),
  byHand: t.Boolean(),
  jobId: t.String({ description: "its job; of a dropped one, the job of before that was still open" }),
  outcome: oneOf(["enqueued", "dropped"]),
  firedAt: time,
  status: t.Nullable(t.String({ description: "of the job; null while it waits in the outbox" })),
});

const scheduleView = t.Object({
  name: t.String(),
  about: t.String(),
  cron: t.String({ description: "minute, hour, day, month, weekday; or six fields, seconds first" }),
  timeZone: t.String(),
  kind: t.String(),
  payload: t.Unknown(),
  storeId: t.String(),
  overlap: oneOf(["skip", "allow"]),
  paused: t.Boolean(),
  note: t.Nullable(t.String()),
  nextTick: t.Nullable(time),
  last: t.Nullable(tickView),
});

/** @throws Problem 404 */
function named(name: string): Schedule {
  const schedule = schedules.find(one => one.name === name);
  if (!schedule) throw notFound("schedule");
  return schedule;
}

/** @throws Problem 422 */
function timeOf(cursor: string | undefined): Date | undefined {
  if (cursor === undefined) return undefined;
  const at = new Date(cursor);
  if (Number.isNaN(at.getTime())) {
    throw invalid([{ path: "cursor", message: "is not a cursor of this list" }]);
  }
  return at;
}

const params = t.Object({ name: t.String({ maxLength: 100 }) });

export function scheduleRoutes(deps: ApiDeps) {
  const { sql, bus, config } = deps;
  const view = async (some: readonly Schedule[]) =>
    viewSchedules({ sql, schedules: some, timeZone: config.timeZone });
  const one = async (name: string) => (await view([named(name)]))[0]!;
  return new Elysia({ prefix: "/ops/schedules", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .get("/", async () => ({ items: await view(schedules), nextCursor: null }), {
      detail: { summary: "All schedules with their next and last tick" },
      response: documented({
        200: t.Object({ items: t.Array(scheduleView), nextCursor: t.Null() }),
      }),
    })
    .get("/:name", async ({ params }) => one(params.name), {
      params,
      detail: { summary: "One schedule" },
      response: documented({ 200: scheduleView }),
    })
    .get(
      "/:name/ticks",
      async ({ params, query }) => {
        const limit = query.limit ?? 20;
        const before = timeOf(query.cursor);
        const rows = await listTicks(sql, named(params.name).name, { limit: limit + 1, before });
        const items = rows.slice(0, limit);
        return { items, nextCursor: rows.length > limit ? items.at(-1)!.tick.toISOString() : null };
      },
      {
        params,
        query: t.Object(
          {
            limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
            cursor: t.Optional(t.String({ maxLength: 40 })),
          },
          { additionalProperties: false },
        ),
        detail: { summary: "Ticks of a schedule and their jobs, latest first; kept for a month" },
        response: documented({
          200: t.Object({ items: t.Array(tickView), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .patch(
      "/:name",
      async ({ params, body }) => {
        await setSchedule(sql, named(params.name).name, body);
        return one(params.name);
      },
      {
        params,
        detail: {
          summary: "Pause or resume a schedule",
          description: "Ticks of the pause are not made up for; it can be run by hand meanwhile.",
        },
        body: t.Object(
          {
            paused: t.Boolean(),
            note: t.Optional(
              t.String({ minLength: 1, maxLength: 500, description: "why; kept until the next change" }),
            ),
          },
          { additionalProperties: false, examples: [{ paused: true, note: "stock-taking until Monday" }] },
        ),
        response: documented({ 200: scheduleView }),
      },
    )
    .post(
      "/:name/run",
      async ({ params, set }) => {
        const { jobId, outcome } = await runNow(sql, named(params.name));
        bus.poke();
        set.status = 202;
        set.headers.location = `/ops/jobs/${jobId}`;
        return { jobId, outcome };
      },
      {
        params,
        detail: {
          summary: "Run a schedule's job now, paused or not",
          description: "`dropped`: the job of before is still open, `jobId` is that one.",
        },
        response: documented({
          202: t.Object({ jobId: t.String(), outcome: oneOf(["enqueued", "dropped"]) }),
        }),
      },
    );
}
