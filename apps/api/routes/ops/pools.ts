/** The worker pools and the kinds of job: what they do, how many there are, caps and pauses. */
import { Elysia, type Static, t } from "elysia";
import { contractOf, type PoolWish, priorities, rateUnits } from "../../../../bus/index.ts";
import { invalid, notFound } from "../../../../platform/errors.ts";
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
  cores: t.Number(),
  since: t.String({ format: "date-time" }),
  draining: t.Boolean(),
});

const perPool = t.Object({ high: t.Integer(), normal: t.Integer(), low: t.Integer() });

const autoscalerView = t.Object({
  leader: t.String(),
  epoch: t.Integer(),
  at: t.String({ format: "date-time" }),
  hosts: t.Array(t.Object({ id: t.String(), name: t.String(), cores: t.Number(), shares: perPool })),
  decisions: t.Array(
    t.Object({
      at: t.String({ format: "date-time" }),
      priority: t.String(),
      from: t.Integer(),
      to: t.Integer(),
      reason: t.String(),
    }),
  ),
});

const poolsView = t.Object({
  pools: t.Array(
    t.Object({
      priority: t.String(),
      target: t.Nullable(t.Integer()),
      paused: t.Boolean(),
      pausedSince: t.Nullable(t.String({ format: "date-time" })),
      mode: t.Union([t.Literal("auto"), t.Literal("manual")]),
      floor: t.Nullable(t.Integer()),
      ceiling: t.Nullable(t.Integer()),
      targetAgeMs: t.Nullable(t.Integer()),
      reason: t.Nullable(t.String()),
      processes: t.Array(processView),
      kinds: t.Array(kindView),
    }),
  ),
  autoscaler: t.Nullable(autoscalerView),
});

const bound = t.Optional(
  t.Nullable(t.Integer({ minimum: 0, maximum: MAX_PROCESSES }), {
    description: "of the autoscaler, in the whole cluster; null: as in the settings",
  }),
);

const poolChange = t.Object(
  {
    processes: t.Optional(
      t.Nullable(t.Integer({ minimum: 0, maximum: MAX_PROCESSES }), {
        description: "in the whole cluster; the autoscaler lets the pool be until it is null",
      }),
    ),
    auto: t.Optional(t.Literal(true, { description: "the same as processes: null" })),
    floor: bound,
    ceiling: bound,
    paused: t.Optional(t.Boolean()),
  },
  { additionalProperties: false, minProperties: 1, examples: [{ processes: 4 }, { auto: true, ceiling: 8 }] },
);

/** What the change comes to, given what is set. @throws a problem that names the field */
function wishOf(
  { auto, ...change }: Omit<Static<typeof poolChange>, "paused">,
  before: PoolWish,
): Partial<PoolWish> {
  if (auto && typeof change.processes === "number") {
    throw invalid([{ path: "processes", message: "can't be given together with auto" }]);
  }
  const { floor, ceiling } = { ...before, ...change };
  if (floor !== null && ceiling !== null && floor > ceiling) {
    const path = change.ceiling === undefined ? "floor" : "ceiling";
    throw invalid([{ path, message: `the floor (${floor}) must not be above the ceiling (${ceiling})` }]);
  }
  return auto ? { ...change, processes: null } : change;
}

export function poolRoutes(deps: ApiDeps) {
  const view = () => deps.bus.viewPools();
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
        const { paused, ...change } = body;
        if (Object.keys(change).length > 0) {
          const before = (await deps.bus.poolWishes())[priority];
          await deps.bus.setPool(priority, wishOf(change, before));
        }
        if (paused !== undefined) await deps.bus.pausePool(priority, paused);
        return view();
      },
      {
        detail: {
          summary:
            "Set a pool's processes in the whole cluster, or the autoscaler's bounds; pause it, resume it",
          description:
            "A paused pool starts no job; running ones finish. Pauses of single kinds stay as they are.",
        },
        body: poolChange,
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
