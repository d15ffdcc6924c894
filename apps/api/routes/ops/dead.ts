/** Dead letters: look, replay, discard. */

import { Elysia, t } from "elysia";
import { type Dead, discardDead, getDead, groupDead, listDead, replayDead } from "../../../../bus/index.ts";
import { conflict, invalid, notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";

const MAX_REPLAY = 1_000;
const page = {
  limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
  cursor: t.Optional(t.String({ maxLength: 200 })),
};
const time = t.String({ format: "date-time" });

const summary = {
  id: t.String(),
  jobId: t.Nullable(t.String()),
  kind: t.String(),
  version: t.Integer(),
  storeId: t.String(),
  key: t.String(),
  payload: t.Unknown(),
  reason: t.String(),
  error: t.String(),
  fingerprint: t.String(),
  attempts: t.Integer(),
  traceparent: t.String(),
  diedAt: time,
  status: oneOf(["open", "replayed", "discarded"]),
  settledAt: t.Nullable(time),
  settledNote: t.Nullable(t.String()),
  replayedAs: t.Nullable(t.String()),
};
const group = t.Object({
  fingerprint: t.String(),
  kind: t.String(),
  count: t.Integer(),
  error: t.String(),
  firstDiedAt: time,
  lastDiedAt: time,
});

/** Lists leave out what is long: stacks and the bytes of unreadable messages. */
function summarised({ stack: _, raw: __, ...letter }: Dead) {
  return letter;
}

export function deadRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  return new Elysia({ prefix: "/ops", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .get(
      "/dead",
      async ({ query }) => {
        const { limit = 20, ...filter } = query;
        const [{ items, nextCursor }, groups] = await Promise.all([
          listDead(sql, { ...filter, limit }),
          groupDead(sql),
        ]);
        return { items: items.map(summarised), nextCursor, groups };
      },
      {
        detail: { summary: "Open dead letters, latest first, and their groups by error fingerprint" },
        query: t.Object(
          {
            kind: t.Optional(t.String({ maxLength: 64 })),
            fingerprint: t.Optional(t.String({ maxLength: 128 })),
            ...page,
          },
          { additionalProperties: false },
        ),
        response: documented({
          200: t.Object({
            items: t.Array(t.Object(summary)),
            nextCursor: t.Nullable(t.String()),
            groups: t.Array(group),
          }),
        }),
      },
    )
    .get(
      "/dead/:id",
      async ({ params }) => {
        const letter = await getDead(sql, params.id);
        if (!letter) throw notFound("dead letter");
        return letter;
      },
      {
        detail: { summary: "One dead letter with its stack" },
        params: t.Object({ id: t.String({ maxLength: 128 }) }),
        response: documented({
          200: t.Object({ ...summary, stack: t.Nullable(t.String()), raw: t.Nullable(t.String()) }),
        }),
      },
    )
    .post(
      "/dead/replay",
      async ({ body, set }) => {
        if (body.ids === undefined && body.fingerprint === undefined && body.limit === undefined) {
          throw invalid([{ path: "ids", message: "Give ids, a fingerprint or a limit." }]);
        }
        const replayed = await replayDead(sql, { ...body, limit: body.limit ?? body.ids?.length });
        bus.poke();
        set.status = 202;
        return { count: replayed.length, replayed };
      },
      {
        detail: { summary: "Enqueue open dead letters again, each once, with a corrected payload if given" },
        body: t.Object(
          {
            ids: t.Optional(t.Array(t.String({ maxLength: 128 }), { minItems: 1, maxItems: MAX_REPLAY })),
            fingerprint: t.Optional(t.String({ minLength: 1, maxLength: 128 })),
            limit: t.Optional(t.Integer({ minimum: 1, maximum: MAX_REPLAY })),
            payload: t.Optional(t.Unknown()),
          },
          { additionalProperties: false },
        ),
        response: documented({
          202: t.Object({
            count: t.Integer(),
            replayed: t.Array(t.Object({ id: t.String(), jobId: t.String() })),
          }),
        }),
      },
    )
    .delete(
      "/dead/:id",
      async ({ params, query, set }) => {
        if (await discardDead(sql, params.id, query.note ?? "")) {
          set.status = 204;
          return;
        }
        const letter = await getDead(sql, params.id);
        if (!letter) throw notFound("dead letter");
        throw conflict("already_settled", `The dead letter is ${letter.status} already.`);
      },
      {
        detail: { summary: "Discard a dead letter; `note` says why" },
        params: t.Object({ id: t.String({ maxLength: 128 }) }),
        query: t.Object({ note: t.Optional(t.String({ maxLength: 500 })) }, { additionalProperties: false }),
      },
    );
}
