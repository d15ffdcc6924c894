/** The worker pools and the kinds of job: what they do, how many there are, caps and pauses. */
import { Elysia, t } from "elysia";
import { contractOf, priorities, rateUnits } from "../../../../bus/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";

const MAX_PROCESSES = 1_000;
const MAX_CAP = 100_000;

const MAX_RATE = 1_000_000;
const MAX_BURST = 100_000;

/** Of a kind: so many starts per unit. What is shown tells the burst too. */
const rate = (isInput: boolean) => {
  const burst = t.Integer({ minimum: 1, maximum: MAX_BURST });
  return t.Object(
    {
      limit: t.Integer({ minimum: 1, maximum: MAX_RATE }),
      per: oneOf(rateUnits),
      burst: isInput ? t.Optional(burst) : burst,
    },
    { additionalProperties: false, examples: [{ limit: 100, per: "minute", burst: 5 }] },
  );
};

const kindView = t.Object({
  kind: t.String(),
  waiting: t.Integer(),
  running: t.Integer(),
  delayed: t.Integer(),
  cap: t.Integer(),
  capNow: t.Integer({ description: "what is enforced of `cap`: less of the normal pool during a sale" }),
  rate: t.Nullable(rate(false)),
  paused: t.Boolean({ description: "nothing of it starts, for one of the reasons in `pauses`" }),
  pauses: t.Array(
    t.Object({
      by: oneOf(["operator", "pool", "sale", "downstream"]),
      reason: t.String(),
      since: t.Nullable(t.String({ format: "date-time" })),
    }),
    {
      examples: [
        [{ by: "downstream", reason: "smtp: connect ECONNREFUSED", since: "2026-11-21T10:00:00.000Z" }],
      ],
    },
  ),
  perSecond: t.Number(),
  p95Ms: t.Nullable(t.Number()),
  oldestMs: t.Nullable(t.Number()),
});

const processView = t.Object({
  worker: t.String(),
  pid: t.Integer(),
  host: t.String(),
  busy: t.Integer(),
  rssMb: t.Number(),
  since: t.String({ format: "date-time" }),
  draining: t.Boolean(),
});

const poolsView = t.Object({
  pools: t.Array(
    t.Object({
      priority: t.String(),
      target: t.Nullable(t.Integer()),
      paused: t.Boolean(),
      pausedSince: t.Nullable(t.String({ format: "date-time" })),
      processes: t.Array(processView),
      kinds: t.Array(kindView),
    }),
  ),
});

export function poolRoutes(deps: ApiDeps) {
  const view = async () => ({ pools: await deps.bus.viewPools() });
  return new Elysia({ prefix: "/ops", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .get("/pools", async () => view(), {
      detail: { summary: "The pools, their processes and kinds" },
      response: documented({ 200: poolsView }),
    })
    .patch(
      "/pools/:priority",
      async ({ params, body }) => {
        const priority = priorities.find(one => one === params.priority);
        if (!priority) throw notFound("pool");
        if (body.processes !== undefined) await deps.bus.setPoolTarget(priority, body.processes);
        if (body.paused !== undefined) await deps.bus.pausePool(priority, body.paused);
        return view();
      },
      {
        detail: {
          summary: "Set the number of a pool's processes in the whole cluster; pause the pool, resume it",
          description:
            "A paused pool starts no job; running ones finish. Pauses of single kinds stay as they are.",
        },
        body: t.Object(
          {
            processes: t.Optional(t.Integer({ minimum: 0, maximum: MAX_PROCESSES })),
            paused: t.Optional(t.Boolean()),
          },
          { additionalProperties: false, minProperties: 1 },
        ),
        response: documented({ 200: poolsView }),
      },
    )
    .patch(
      "/kinds/:kind",
      async ({ params, body }) => {
        const contract = contractOf(params.kind);
        if (!contract) throw notFound("kind of job");
        await deps.bus.setKind(contract, body);
        return view();
      },
      {
        detail: {
          summary: "Cap a kind of job in the whole cluster, limit its rate, pause it, resume it",
          description:
            "`rate` limits how many of its jobs start, over all processes; at most `burst` at once (default: a tenth of a " +
            "second's worth); `null` takes the limit away. Takes effect at once and outlives restarts.",
        },
        body: t.Object(
          {
            cap: t.Optional(t.Integer({ minimum: 1, maximum: MAX_CAP })),
            paused: t.Optional(t.Boolean()),
            rate: t.Optional(t.Nullable(rate(true))),
          },
          { additionalProperties: false, minProperties: 1 },
        ),
        response: documented({ 200: poolsView }),
      },
    );
}
