import type { ScheduleView, TickView } from "../../../bus/index.ts";
import { type Command, type Context, integerOption, type Result, textOption } from "../command.ts";
import { table } from "../table.ts";

/** As JSON: times are texts. */
type Told<T> = { [K in keyof T]: T[K] extends Date | null ? string | null : T[K] };
type Tick = Told<TickView>;
type Schedule = Omit<Told<ScheduleView>, "last"> & { last: Tick | null };

const pathOf = ({ args }: Context) => `/schedules/${encodeURIComponent(args[0]!)}`;

function whatBecame(last: Tick | null): string {
  if (!last) return "";
  return `${last.tick} ${last.outcome === "dropped" ? "skipped" : (last.status ?? "waiting")}`;
}

function scheduleTable(items: readonly Schedule[]): string {
  const rows = items.map(one => [
    one.name,
    one.cron,
    one.timeZone,
    one.kind,
    one.paused,
    one.nextTick,
    whatBecame(one.last),
    one.note,
  ]);
  return table(["name", "cron", "zone", "kind", "paused", "next", "last", "note"], rows, "no schedules");
}

async function change(context: Context, json: { paused: boolean; note?: string }): Promise<Result> {
  const schedule = await context.api.ops<Schedule>(pathOf(context), { method: "PATCH", json });
  return { json: schedule, text: scheduleTable([schedule]) };
}

export const cronCommands: readonly Command[] = [
  {
    path: ["cron", "list"],
    about: "Show the schedules, their next and their last tick",
    async run({ api }) {
      const page = await api.ops<{ items: Schedule[] }>("/schedules");
      return { json: page, text: scheduleTable(page.items) };
    },
  },
  {
    path: ["cron", "ticks"],
    args: ["NAME"],
    about: "Show the ticks of a schedule and their jobs, latest first",
    options: {
      limit: { type: "string", value: "N", about: "at most this many (20)" },
      cursor: { type: "string", value: "CURSOR", about: "go on where a list ended" },
    },
    async run(context) {
      const query = {
        limit: integerOption(context, "limit", 1, 100) ?? 20,
        cursor: textOption(context, "cursor"),
      };
      const path = `${pathOf(context)}/ticks`;
      const page = await context.api.ops<{ items: Tick[]; nextCursor: string | null }>(path, { query });
      const rows = page.items.map(one => [one.tick, one.byHand, one.outcome, one.jobId, one.status]);
      const found = table(["tick", "by hand", "outcome", "job", "status"], rows, "no ticks yet");
      return { json: page, text: found + (page.nextCursor ? `\nmore: --cursor ${page.nextCursor}` : "") };
    },
  },
  {
    path: ["cron", "run"],
    args: ["NAME"],
    about: "Run a schedule's job now, paused or not",
    async run(context) {
      const fired = await context.api.ops<{ jobId: string; outcome: string }>(`${pathOf(context)}/run`, {
        method: "POST",
      });
      const text = fired.outcome === "dropped" ? `still open: ${fired.jobId}` : fired.jobId;
      return { json: fired, text };
    },
  },
  {
    path: ["cron", "pause"],
    args: ["NAME"],
    about: "Let a schedule fire no more until it is resumed",
    options: { note: { type: "string", value: "TEXT", about: "why" } },
    run(context) {
      const note = textOption(context, "note");
      return change(context, { paused: true, ...(note === undefined ? {} : { note }) });
    },
  },
  {
    path: ["cron", "resume"],
    args: ["NAME"],
    about: "Let a paused schedule go on with its next tick",
    run: context => change(context, { paused: false }),
  },
];
