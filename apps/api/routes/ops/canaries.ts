/** Canaries: dead letters replayed in portions that must end well before the next goes out (bus/canary.ts). */
import { Elysia, t } from "elysia";
import {
  canaryStatuses,
  continueCanary,
  getCanary,
  listCanaries,
  startCanary,
  stopCanary,
} from "../../../../bus/index.ts";
import { invalid, notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";
import * as schema from "./dead.schema.ts";

const params = t.Object({ id: t.String({ maxLength: 64, pattern: "^[0-9a-f-]+$" }) });

export function canaryRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  return new Elysia({ prefix: "/ops/dead/canaries", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .post(
      "/",
      async ({ body, set }) => {
        if (!(body.ids ?? body.fingerprint ?? body.kind))
          throw invalid([{ path: "fingerprint", message: "Give a fingerprint, a kind or ids." }]);
        const canary = await startCanary(sql, body);
        bus.poke();
        set.status = 202;
        set.headers.location = `/ops/dead/canaries/${canary.id}`;
        return canary;
      },
      {
        detail: {
          summary: "Replay some dead letters and watch them before the rest follows",
          description:
            "The first portion goes out at once; each next one is twice as large, when all jobs of the one before have ended well. It stops by itself at the first failure. 404 `not_found`: no open letter fits. 409 `canary_running`: these letters have one. 422: a payload breaks the schema of its kind.",
        },
        body: schema.canaryBody,
        response: documented({ 202: schema.canaryView }),
      },
    )
    .get("/", async ({ query }) => listCanaries(sql, { ...query, limit: query.limit ?? 20 }), {
      detail: { summary: "Canaries, latest first" },
      query: t.Object(
        { status: t.Optional(oneOf(canaryStatuses)), ...schema.page },
        { additionalProperties: false },
      ),
      response: documented({
        200: t.Object({ items: t.Array(schema.canaryView), nextCursor: t.Nullable(t.String()) }),
      }),
    })
    .get(
      "/:id",
      async ({ params }) => {
        const canary = await getCanary(sql, params.id);
        if (!canary) throw notFound("canary");
        return canary;
      },
      { params, detail: { summary: "One canary" }, response: documented({ 200: schema.canaryView }) },
    )
    .post(
      "/:id/continue",
      async ({ params, set }) => {
        const canary = await continueCanary(sql, params.id);
        bus.poke();
        set.status = 202;
        return canary;
      },
      {
        params,
        detail: {
          summary: "Send out the next portion, and further ones by itself",
          description:
            "After a stop, too: then it means to go on all the same. 409 `not_waiting` while it watches or when it is done.",
        },
        response: documented({ 202: schema.canaryView }),
      },
    )
    .post("/:id/stop", async ({ params }) => stopCanary(sql, params.id), {
      params,
      detail: {
        summary: "Replay nothing further",
        description: "What is out goes on with its tries. 409 `already_ended` when it stopped or is done.",
      },
      response: documented({ 200: schema.canaryView }),
    });
}
