import { type Command, type Context, integerOption, type Result, textOption } from "../command.ts";
import { cut, duration, table } from "../table.ts";

type Entry = {
  at: string;
  type: string;
  traceId: string | null;
  jobId?: string | null;
  kind?: string;
  attempt?: number;
  status?: string;
  outcome?: string | null;
  error?: string | null;
  deadId?: string;
  reason?: string;
  replayedAs?: string | null;
  note?: string | null;
  method?: string;
  route?: string;
  httpStatus?: number;
  tookMs?: number;
  actor?: string | null;
};

/** What an entry says beyond its time and type. */
function told(one: Entry): string {
  if (one.type === "request")
    return `${one.method} ${one.route} ${one.httpStatus} in ${duration(one.tookMs)}`;
  if (one.type === "job.try")
    return `${one.kind} try ${one.attempt}: ${one.outcome ?? "running"} ${one.error ?? ""}`;
  if (one.type === "job.ended") return `${one.kind} ${one.status} ${one.error ?? ""}`;
  if (one.type === "dead") return `${one.kind} ${one.reason}: ${one.error ?? ""}`;
  if (one.type === "dead.replayed") return `as ${one.replayedAs}`;
  if (one.type === "dead.discarded") return one.note ?? "";
  return one.kind ?? (one.actor ? `by ${one.actor}` : "");
}

async function run(context: Context): Promise<Result> {
  const query = {
    key: context.args[0],
    limit: integerOption(context, "limit", 1, 200) ?? 50,
    cursor: textOption(context, "cursor"),
  };
  const page = await context.api.ops<{ items: Entry[]; nextCursor: string | null }>("/timeline", { query });
  const rows = page.items.map(one => [
    one.at,
    one.type,
    cut(told(one), 90),
    one.deadId ?? one.jobId,
    one.traceId,
  ]);
  const shown = table(["at", "what", "", "id", "trace"], rows, "nothing is known of this key");
  return { json: page, text: shown + (page.nextCursor ? `\nmore: --cursor ${page.nextCursor}` : "") };
}

export const timelineCommand: Command = {
  path: ["jobs", "timeline"],
  args: ["KEY"],
  about: "What happened to a key (order:ord_…), in order: requests, jobs, tries, dead letters",
  options: {
    limit: { type: "string", value: "N", about: "at most this many jobs (50)" },
    cursor: { type: "string", value: "CURSOR", about: "go on where a page ended" },
  },
  run,
};
