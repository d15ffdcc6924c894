import { t } from "elysia";
import { jobStatuses } from "../../../../bus/index.ts";
import { oneOf } from "../../http/one-of.ts";
import { tryView } from "./dead.schema.ts";

const time = t.Nullable(t.String({ format: "date-time" }));

export const jobView = t.Object({
  id: t.String(),
  kind: t.String(),
  version: t.Integer(),
  priority: t.String(),
  storeId: t.String(),
  key: t.String(),
  status: oneOf(jobStatuses),
  attempt: t.Integer(),
  payload: t.Unknown(),
  traceparent: t.String(),
  queuedAt: t.String({ format: "date-time" }),
  runAt: t.Nullable(t.String({ format: "date-time", description: "when a delayed job or a retry is due" })),
  cancelRequestedAt: t.Nullable(
    t.String({ format: "date-time", description: "somebody asked for its end; a worker will see to it" }),
  ),
  startedAt: time,
  finishedAt: time,
  worker: t.Nullable(t.String()),
  error: t.Nullable(t.String()),
  tries: t.Array(tryView),
});

const progressView = t.Object({
  fraction: t.Nullable(t.Number({ minimum: 0, maximum: 1 })),
  done: t.Nullable(t.Number()),
  total: t.Nullable(t.Number()),
  note: t.Nullable(t.String({ description: "what is counted" })),
  attempt: t.Integer(),
  worker: t.String(),
  at: t.String({ format: "date-time" }),
});

export const jobWithProgress = t.Composite([jobView, t.Object({ progress: t.Nullable(progressView) })]);
