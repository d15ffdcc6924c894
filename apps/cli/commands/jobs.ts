import { type Command, integerOption, type Result, textOption, UsageError } from "../command.ts";
import { cut, duration, fields, table } from "../table.ts";

type Try = {
  attempt: number;
  startedAt: string | null;
  endedAt: string | null;
  outcome: string | null;
  error: string | null;
  worker: string | null;
};
export type JobView = {
  id: string;
  kind: string;
  storeId: string;
  key: string;
  status: string;
  attempt: number;
  payload: unknown;
  traceparent: string;
  queuedAt: string;
  runAt: string | null;
  cancelRequestedAt: string | null;
  startedAt: string | null;
  finishedAt: string | null;
  worker: string | null;
  error: string | null;
  tries: Try[];
};

export function took(from: string | null, to: string | null): string {
  return from && to ? duration(Date.parse(to) - Date.parse(from)) : "";
}

export function showJob(job: JobView): string {
  const about = fields([
    ["id", job.id],
    ["kind", job.kind],
    ["key", job.key],
    ["store", job.storeId],
    ["status", job.status],
    ["queued", job.queuedAt],
    ["due", job.runAt],
    ["cancel asked", job.cancelRequestedAt],
    ["finished", job.finishedAt],
    ["error", job.error],
    ["trace", job.traceparent],
    ["payload", JSON.stringify(job.payload)],
  ]);
  const rows = job.tries.map(one => [
    one.attempt,
    one.startedAt,
    took(one.startedAt, one.endedAt),
    one.outcome,
    one.worker,
    cut(one.error ?? "", 60),
  ]);
  const tries = table(["try", "started", "took", "outcome", "worker", "error"], rows);
  return tries ? `${about}\n\n${tries}` : about;
}

export const jobCommands: readonly Command[] = [
  {
    path: ["jobs", "find"],
    args: ["[KEY]"],
    about: "Find jobs by business key (order:ord_…), kind or status, latest first",
    options: {
      kind: { type: "string", value: "KIND", about: "only this kind" },
      status: {
        type: "string",
        value: "STATUS",
        about: "queued, delayed, retrying, done, discarded, cancelled or dead",
      },
      since: { type: "string", value: "TIME", about: "enqueued at or after (2026-11-21T12:00:00Z)" },
      until: { type: "string", value: "TIME", about: "enqueued before" },
      limit: { type: "string", value: "N", about: "at most this many (20)" },
      cursor: { type: "string", value: "CURSOR", about: "go on where a list ended" },
    },
    async run(context): Promise<Result> {
      const [kind, status] = [textOption(context, "kind"), textOption(context, "status")];
      const key = context.args[0];
      if (!key && !kind && !status) throw new UsageError("give a KEY, --kind or --status");
      const limit = integerOption(context, "limit", 1, 100) ?? 20;
      const query = {
        key,
        kind,
        status,
        since: textOption(context, "since"),
        until: textOption(context, "until"),
        limit,
        cursor: textOption(context, "cursor"),
      };
      const page = await context.api.ops<{ items: JobView[]; nextCursor: string | null }>("/jobs", { query });
      const rows = page.items.map(job => [
        job.id,
        job.kind,
        job.key,
        job.status,
        job.attempt,
        job.queuedAt,
        took(job.queuedAt, job.finishedAt),
      ]);
      const found = table(["id", "kind", "key", "status", "try", "queued", "took"], rows, "no such jobs");
      const more = page.nextCursor ? `\nmore: --cursor ${page.nextCursor}` : "";
      return { json: page, text: found + more };
    },
  },
  {
    path: ["jobs", "show"],
    args: ["ID"],
    about: "Show one job with its tries",
    async run({ api, args }): Promise<Result> {
      const job = await api.ops<JobView>(`/jobs/${encodeURIComponent(args[0]!)}`);
      return { json: job, text: showJob(job) };
    },
  },
];
