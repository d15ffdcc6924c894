/** A job that waits or runs: following it, ending it. */
import { Elysia, t } from "elysia";
import { cancelJob, followJob, getJob } from "../../../../bus/index.ts";
import { conflict, notFound } from "../../../../platform/errors.ts";
import { uuidPattern } from "../../../../platform/ids.ts";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { listening, sseResponse } from "../../http/sse.ts";
import { jobView } from "./jobs.schema.ts";

export function jobControlRoutes(deps: ApiDeps) {
  return new Elysia({ prefix: "/ops", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .get(
      "/jobs/:id/events",
      async ({ params, request }) => {
        const { sql, bus } = deps;
        const job = uuidPattern.test(params.id) ? await getJob(sql, params.id) : null;
        if (!job) throw notFound("job");
        const { signal, stop } = listening(request, deps.drain);
        const events = followJob({ sql, progress: bus.progress }, job.id, signal);
        return sseResponse(events, { stop });
      },
      {
        detail: {
          summary: "What happens to a job (server-sent events)",
          description:
            "`job` now and after each change, with the job as its data; `progress` as the running job tells how far it is. " +
            "Ends with the job.",
        },
      },
    )
    .delete(
      "/jobs/:id",
      async ({ params, query, set }) => {
        const { id } = params;
        const cancel = { sql: deps.sql, connection: deps.bus.connection };
        const reason = query.reason ?? "cancelled by an operator";
        const verdict = uuidPattern.test(id) ? await cancelJob(cancel, id, reason) : "unknown";
        if (verdict === "unknown") throw notFound("job");
        const job = (await getJob(deps.sql, id))!;
        if (verdict === "ended") throw conflict("already_ended", `The job is ${job.status} already.`);
        if (verdict === "requested") set.status = 202;
        return job;
      },
      {
        detail: {
          summary: "Cancel a job",
          description:
            "200: it waited, and is `cancelled` now (or was before). 202: a worker has it or will get it; it ends as " +
            "`cancelled` before it starts or when its signal aborts, unless it ends by itself first. A job that runs " +
            "in a batch goes on. 409 `already_ended`.",
        },
        query: t.Object(
          { reason: t.Optional(t.String({ minLength: 1, maxLength: 500 })) },
          { additionalProperties: false },
        ),
        response: documented({ 200: jobView, 202: jobView }),
      },
    );
}
