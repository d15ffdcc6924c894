/** Jobs that wait or run: what there is, watching and ending them. */
import { type Command, type Context, integerOption, type Result, textOption } from "../command.ts";
import { createProgress } from "../progress.ts";
import { table } from "../table.ts";
import { type JobView, showJob } from "./jobs.ts";

const STATUS = "delayed";

export const jobControlCommands: readonly Command[] = [
  {
    path: ["jobs", "list"],
    about: "List jobs that wait for their time (or, with --status, others), latest first",
    options: {
      kind: { type: "string", value: "KIND", about: "only this kind" },
      status: {
        type: "string",
        value: "STATUS",
        about: "delayed (default), queued, retrying, done, discarded, cancelled or dead",
      },
      limit: { type: "string", value: "N", about: "at most this many (20)" },
      cursor: { type: "string", value: "CURSOR", about: "go on where a list ended" },
    },
    async run(context): Promise<Result> {
      const query = {
        kind: textOption(context, "kind"),
        status: textOption(context, "status") ?? STATUS,
        limit: integerOption(context, "limit", 1, 100) ?? 20,
        cursor: textOption(context, "cursor"),
      };
      const page = await context.api.ops<{ items: JobView[]; nextCursor: string | null }>("/jobs", { query });
      const rows = page.items.map(job => [job.id, job.kind, job.key, job.status, job.queuedAt, job.runAt]);
      const found = table(["id", "kind", "key", "status", "queued", "due"], rows, "no such jobs");
      const more = page.nextCursor ? `\nmore: --cursor ${page.nextCursor}` : "";
      return { json: page, text: found + more };
    },
  },
  {
    path: ["jobs", "cancel"],
    args: ["ID"],
    about: "Cancel a job that waits or runs",
    options: { reason: { type: "string", value: "TEXT", about: "kept in the ledger" } },
    async run(context): Promise<Result> {
      const path = `/jobs/${encodeURIComponent(context.args[0]!)}`;
      const query = { reason: textOption(context, "reason") };
      const job = await context.api.ops<JobView>(path, { method: "DELETE", query });
      const isOver = job.status === "cancelled";
      const text = isOver ? "cancelled" : `asked for; see \`tradewind jobs show ${job.id}\``;
      return { json: job, text: isOver ? text : `${text}\n\n${showJob(job)}` };
    },
  },
  {
    path: ["jobs", "progress"],
    args: ["ID"],
    about: "Watch a job until it has ended; exit code 1 unless it is done",
    options: { "no-wait": { type: "boolean", about: "tell how far it is now" } },
    async run(context): Promise<Result> {
      const path = `/jobs/${encodeURIComponent(context.args[0]!)}`;
      if (context.options["no-wait"]) {
        const job = await context.api.ops<Watched>(path);
        return { json: job, text: `${job.status}${noteOf(job) && `, ${noteOf(job)}`}` };
      }
      const job = await watch(context, path);
      return { json: job, text: showJob(job), exitCode: job.status === "done" ? 0 : 1 };
    },
  },
];

type Told = { fraction: number | null; done: number | null; total: number | null; note: string | null };
type Watched = JobView & { progress: Told | null };

const POLL_MS = 500;

/** `120 of 400 rows`, `45 %`; empty when nothing was told. */
function noteOf({ progress }: Watched): string {
  if (!progress) return "";
  const { fraction, done, total, note } = progress;
  if (done === null) return fraction === null ? "" : `${Math.floor(fraction * 100)} %`;
  return [done, ...(total === null ? [] : ["of", total]), ...(note === null ? [] : [note])].join(" ");
}

async function watch(context: Context, path: string): Promise<Watched> {
  const line = createProgress(context, "working");
  try {
    for (;;) {
      const job = await context.api.ops<Watched>(path);
      if (job.finishedAt) return job;
      const { fraction = null } = job.progress ?? {};
      line.update(fraction ?? 0, fraction === null ? undefined : 1, `${job.status} ${noteOf(job)}`.trimEnd());
      await Bun.sleep(POLL_MS);
    }
  } finally {
    line.end();
  }
}
