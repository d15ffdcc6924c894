/** The few numbers that tell whether work piles up. */
import { Elysia, t } from "elysia";
import { countDead, outboxBacklog } from "../../../../bus/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";

export function statusRoutes({ sql, bus, ...deps }: ApiDeps) {
  return new Elysia({ prefix: "/ops", detail: { tags: ["ops"] } }).use(opsAuth({ sql, bus, ...deps })).get(
    "/status",
    async () => {
      const [outbox, dead] = await Promise.all([outboxBacklog(sql), countDead(sql)]);
      return { outbox, dead, busConnected: bus.isConnected };
    },
    {
      detail: { summary: "Backlog of the outbox, open dead letters" },
      response: documented({
        200: t.Object({
          outbox: t.Object({
            due: t.Integer(),
            held: t.Integer({ description: "beyond their store's window of the kind" }),
            delayed: t.Integer(),
            oldestMs: t.Nullable(t.Integer()),
          }),
          dead: t.Integer(),
          busConnected: t.Boolean(),
        }),
      }),
    },
  );
}
