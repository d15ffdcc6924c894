import {
  CliError,
  type Command,
  type Context,
  integerOption,
  type Result,
  textOption,
  UsageError,
} from "../command.ts";
import { createProgress } from "../progress.ts";
import { cut, fields, table } from "../table.ts";

type Letter = {
  id: string;
  jobId: string | null;
  kind: string;
  storeId: string;
  key: string;
  payload: unknown;
  reason: string;
  error: string;
  stack?: string | null;
  fingerprint: string;
  attempts: number;
  traceparent: string;
  diedAt: string;
  status: string;
};
type Group = { fingerprint: string; kind: string; count: number; error: string; lastDiedAt: string };
type Page = { items: Letter[]; nextCursor: string | null; groups: Group[] };
type Replayed = { count: number; replayed: { id: string; jobId: string }[] };

/** Letters that one request replays at most. */
const BATCH = 500;

const filters = {
  kind: { type: "string", value: "KIND", about: "only this kind" },
  fingerprint: { type: "string", value: "PRINT", about: "only this error" },
} as const;

async function list(context: Context): Promise<Result> {
  const query = {
    kind: textOption(context, "kind"),
    fingerprint: textOption(context, "fingerprint"),
    limit: integerOption(context, "limit", 1, 100) ?? 20,
    cursor: textOption(context, "cursor"),
  };
  const page = await context.api.ops<Page>("/dead", { query });
  if (page.items.length === 0) return { json: page, text: "no dead letters" };
  const groups = table(
    ["error", "kind", "letters", "last"],
    page.groups.map(one => [one.fingerprint, one.kind, one.count, one.lastDiedAt]),
  );
  const letters = table(
    ["id", "kind", "key", "tries", "died", "reason", "error"],
    page.items.map(one => [
      one.id,
      one.kind,
      one.key,
      one.attempts,
      one.diedAt,
      one.reason,
      cut(one.error, 60),
    ]),
  );
  const more = page.nextCursor ? `\nmore: --cursor ${page.nextCursor}` : "";
  return { json: page, text: `${groups}\n\n${letters}${more}` };
}

async function showLetter({ api, args }: Context): Promise<Result> {
  const letter = await api.ops<Letter>(`/dead/${encodeURIComponent(args[0]!)}`);
  const about = fields([
    ["id", letter.id],
    ["job", letter.jobId],
    ["kind", letter.kind],
    ["key", letter.key],
    ["store", letter.storeId],
    ["status", letter.status],
    ["tries", letter.attempts],
    ["died", letter.diedAt],
    ["reason", letter.reason],
    ["error", letter.error],
    ["fingerprint", letter.fingerprint],
    ["trace", letter.traceparent],
    ["payload", JSON.stringify(letter.payload)],
  ]);
  return { json: letter, text: letter.stack ? `${about}\n\n${letter.stack}` : about };
}

function payloadOf(context: Context): unknown {
  const text = textOption(context, "payload");
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError("--payload must be JSON");
  }
}

async function replay(context: Context): Promise<Result> {
  const { api, args, options } = context;
  const fingerprint = textOption(context, "fingerprint");
  const limit = integerOption(context, "limit", 1, 1_000_000);
  if (args.length === 0 && !fingerprint && !options.all)
    throw new UsageError("give IDs, --fingerprint or --all");
  const payload = payloadOf(context);
  const ids = args.length > 0 ? args : undefined;
  const replayed: Replayed["replayed"] = [];
  const progress = createProgress(context, "replayed");
  // Bounded by what is open now: letters that die again meanwhile wait for the next call.
  const most = limit ?? ids?.length ?? (await api.ops<{ dead: number }>("/status")).dead;
  while (replayed.length < most) {
    const step = Math.min(BATCH, most - replayed.length);
    const json = { ids, fingerprint, limit: step, payload };
    const answer = await api.ops<Replayed>("/dead/replay", { method: "POST", json });
    replayed.push(...answer.replayed);
    progress.update(replayed.length, most, `${replayed.length} of ${most}`);
    if (answer.count < step) break;
  }
  progress.end();
  const json = { count: replayed.length, replayed };
  if (ids && replayed.length === 0) throw new CliError("none of these is an open dead letter", "not_found");
  return { json, text: `${replayed.length} replayed` };
}

async function discard(context: Context): Promise<Result> {
  const note = textOption(context, "note");
  for (const id of context.args) {
    await context.api.ops(`/dead/${encodeURIComponent(id)}`, { method: "DELETE", query: { note } });
  }
  return { json: { discarded: context.args }, text: `${context.args.length} discarded` };
}

export const deadCommands: readonly Command[] = [
  {
    path: ["dead", "list"],
    about: "List open dead letters and their groups by error",
    options: {
      ...filters,
      limit: { type: "string", value: "N", about: "at most this many (20)" },
      cursor: { type: "string", value: "CURSOR", about: "go on where a list ended" },
    },
    run: list,
  },
  { path: ["dead", "show"], args: ["ID"], about: "Show one dead letter with its stack", run: showLetter },
  {
    path: ["dead", "replay"],
    args: ["[ID…]"],
    about: "Enqueue dead letters again, each once",
    options: {
      fingerprint: filters.fingerprint,
      all: { type: "boolean", about: "all open ones" },
      limit: { type: "string", value: "N", about: "at most this many" },
      payload: { type: "string", value: "JSON", about: "a corrected payload instead of the old one" },
    },
    run: replay,
  },
  {
    path: ["dead", "discard"],
    args: ["ID…"],
    about: "End dead letters without a replay",
    options: { note: { type: "string", value: "TEXT", about: "why, kept with the letter" } },
    run: discard,
  },
];
