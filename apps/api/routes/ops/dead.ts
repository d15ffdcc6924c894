/** Dead letters: look, replay, discard. Canaries have a file of their own (canaries.ts). */

import { Elysia, t } from "elysia";
import {
  contractOf,
  type Dead,
  discardDead,
  discardMany,
  getDead,
  getJob,
  groupDead,
  listDead,
  replayDead,
} from "../../../../bus/index.ts";
import { conflict, invalid, notFound } from "../../../../platform/errors.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import * as schema from "./dead.schema.ts";

const GROUPS = 100;

/** Lists leave out what is long: stacks and the bytes of unreadable messages. */
function summarised({ stack: _, raw: __, ...letter }: Dead) {
  return letter;
}

type Which = { ids?: string[]; fingerprint?: string; kind?: string; limit?: number };

/** @throws Problem 422 when a body names no letters. */
export function namesLetters(body: Which): void {
  if (body.ids ?? body.fingerprint ?? body.kind ?? body.limit) return;
  throw invalid([{ path: "ids", message: "Give ids, a fingerprint, a kind or a limit." }]);
}

export function deadRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;
  return new Elysia({ prefix: "/ops/dead", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .get(
      "/",
      async ({ query }) => {
        const { limit = 20, ...filter } = query;
        const { kind, storeId } = filter;
        const [{ items, nextCursor }, groups] = await Promise.all([
          listDead(sql, { ...filter, limit }),
          groupDead(sql, { kind, storeId, limit: GROUPS }),
        ]);
        return { items: items.map(summarised), nextCursor, groups: groups.items };
      },
      {
        detail: {
          summary: "Dead letters, latest first, and the open ones' groups by error fingerprint",
          description:
            "`groups` holds the hundred largest of this kind and store; `/ops/dead/groups` has all.",
        },
        query: schema.listQuery,
        response: documented({
          200: t.Object({
            items: t.Array(t.Object(schema.summary)),
            nextCursor: t.Nullable(t.String()),
            groups: t.Array(schema.group),
          }),
        }),
      },
    )
    .get(
      "/groups",
      async ({ query }) => {
        const { limit = 20, ...filter } = query;
        return groupDead(sql, { ...filter, limit });
      },
      {
        detail: { summary: "Open dead letters by error fingerprint, most first" },
        query: t.Object({ ...schema.filters, ...schema.page }, { additionalProperties: false }),
        response: documented({
          200: t.Object({ items: t.Array(schema.group), nextCursor: t.Nullable(t.String()) }),
        }),
      },
    )
    .get(
      "/:id",
      async ({ params }) => {
        const letter = await getDead(sql, params.id);
        if (!letter) throw notFound("dead letter");
        const job = letter.jobId ? await getJob(sql, letter.jobId) : null;
        return { ...letter, tries: job?.tries ?? [], schema: contractOf(letter.kind)?.schema ?? null };
      },
      {
        detail: { summary: "One dead letter with its stack, its tries and the schema of its payload" },
        params: t.Object({ id: schema.deadId }),
        response: documented({ 200: schema.letter }),
      },
    )
    .post(
      "/replay",
      async ({ body, set }) => {
        namesLetters(body);
        const replayed = await replayDead(sql, { ...body, limit: body.limit ?? body.ids?.length });
        bus.poke();
        set.status = 202;
        return { count: replayed.length, replayed };
      },
      {
        detail: {
          summary: "Enqueue open dead letters again, each once, with a corrected payload if given",
          description:
            "Oldest first, all or none. 422 `invalid` names the fields of a payload that breaks the schema of its kind.",
        },
        body: schema.replayBody,
        response: documented({
          202: t.Object({
            count: t.Integer(),
            replayed: t.Array(t.Object({ id: t.String(), jobId: t.String() })),
          }),
        }),
      },
    )
    .post(
      "/discard",
      async ({ body }) => {
        namesLetters(body);
        const { reason, ...which } = body;
        const discarded = await discardMany(
          sql,
          { ...which, limit: body.limit ?? schema.MAX_LETTERS },
          reason,
        );
        return { count: discarded.length, discarded };
      },
      {
        detail: {
          summary: "Discard open dead letters, with a reason",
          description: "Oldest first, at most a thousand at a time: `count` 0 says that none is left.",
        },
        body: schema.discardBody,
        response: documented({ 200: t.Object({ count: t.Integer(), discarded: t.Array(t.String()) }) }),
      },
    )
    .delete(
      "/:id",
      async ({ params, query, set }) => {
        if (await discardDead(sql, params.id, query.reason ?? query.note ?? "")) {
          set.status = 204;
          return;
        }
        const letter = await getDead(sql, params.id);
        if (!letter) throw notFound("dead letter");
        throw conflict("already_settled", `The dead letter is ${letter.status} already.`);
      },
      {
        detail: {
          summary: "Discard a dead letter; `reason` says why",
          description: "409 `already_settled` when it was replayed or discarded before. `note` is the same.",
        },
        params: t.Object({ id: schema.deadId }),
        query: t.Object(
          {
            reason: t.Optional(t.String({ maxLength: 500 })),
            note: t.Optional(t.String({ maxLength: 500 })),
          },
          { additionalProperties: false },
        ),
      },
    );
}
