/** The worker pools and the kinds of job: what they do, how many there are, caps and pauses. */
import { Elysia, t } from "elysia";
import { contractOf, priorities } from "../../../../bus/index.ts";
import { notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";

const MAX_PROCESSES = 1_000;
const MAX_CAP = 100_000;

const kindView = t.Object({
  kind: t.String(),
  waiting: t.Integer(),
  running: t.Integer(),
  delayed: t.Integer(),
  cap: t.Integer(),
  paused: t.Boolean(),
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
        await deps.bus.setPoolTarget(priority, body.processes);
        return view();
      },
      {
        detail: { summary: "Set the number of a pool's processes in the whole cluster" },
        body: t.Object(
          { processes: t.Integer({ minimum: 0, maximum: MAX_PROCESSES }) },
          { additionalProperties: false },
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
        detail: { summary: "Cap a kind of job in the whole cluster, pause it, resume it" },
        body: t.Object(
          {
            cap: t.Optional(t.Integer({ minimum: 1, maximum: MAX_CAP })),
            paused: t.Optional(t.Boolean()),
          },
          { additionalProperties: false, minProperties: 1 },
        ),
        response: documented({ 200: poolsView }),
      },
    );
}
