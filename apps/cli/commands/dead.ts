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

type Try = {
  attempt: number;
  startedAt: string | null;
  outcome: string | null;
  error: string | null;
  worker: string | null;
};
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
  settledNote: string | null;
  replayedAs: string | null;
  tries?: Try[];
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
const pages = {
  limit: { type: "string", value: "N", about: "at most this many (20)" },
  cursor: { type: "string", value: "CURSOR", about: "go on where a list ended" },
} as const;

function more(nextCursor: string | null): string {
  return nextCursor ? `\nmore: --cursor ${nextCursor}` : "";
}

function groupTable(groups: readonly Group[], empty = ""): string {
  const rows = groups.map(one => [one.fingerprint, one.kind, one.count, one.lastDiedAt, cut(one.error, 60)]);
  return table(["group", "kind", "letters", "last", "error"], rows, empty);
}

async function list(context: Context): Promise<Result> {
  const query = {
    kind: textOption(context, "kind"),
    fingerprint: textOption(context, "fingerprint"),
    key: textOption(context, "key"),
    status: textOption(context, "status"),
    limit: integerOption(context, "limit", 1, 100) ?? 20,
    cursor: textOption(context, "cursor"),
  };
  const page = await context.api.ops<Page>("/dead", { query });
  if (page.items.length === 0) return { json: page, text: "no dead letters" };
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
  return { json: page, text: `${groupTable(page.groups)}\n\n${letters}${more(page.nextCursor)}` };
}

async function groups(context: Context): Promise<Result> {
  const query = {
    kind: textOption(context, "kind"),
    limit: integerOption(context, "limit", 1, 100) ?? 20,
    cursor: textOption(context, "cursor"),
  };
  const page = await context.api.ops<{ items: Group[]; nextCursor: string | null }>("/dead/groups", {
    query,
  });
  return { json: page, text: groupTable(page.items, "no dead letters") + more(page.nextCursor) };
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
    ...(letter.settledNote ? [["note", letter.settledNote] as const] : []),
    ...(letter.replayedAs ? [["replayed as", letter.replayedAs] as const] : []),
  ]);
  const tries = table(
    ["try", "started", "outcome", "worker", "error"],
    (letter.tries ?? []).map(one => [
      one.attempt,
      one.startedAt,
      one.outcome,
      one.worker,
      cut(one.error ?? "", 60),
    ]),
  );
  return { json: letter, text: [about, tries, letter.stack].filter(Boolean).join("\n\n") };
}

export function payloadOf(context: Context): unknown {
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
  const reason = textOption(context, "reason") ?? textOption(context, "note");
  const [fingerprint, kind] = [textOption(context, "fingerprint"), textOption(context, "kind")];
  if (context.args.length === 0 && !fingerprint && !kind)
    throw new UsageError("give IDs, --fingerprint or --kind");
  if (context.args.length === 0) return discardGroup(context, { fingerprint, kind }, reason);
  for (const id of context.args) {
    await context.api.ops(`/dead/${encodeURIComponent(id)}`, { method: "DELETE", query: { reason } });
  }
  return { json: { discarded: context.args }, text: `${context.args.length} discarded` };
}

async function discardGroup(
  { api }: Context,
  which: { fingerprint: string | undefined; kind: string | undefined },
  reason: string | undefined,
): Promise<Result> {
  if (!reason) throw new UsageError("--reason is needed to discard a group");
  const discarded: string[] = [];
  // Bounded by what is open now, as replays are.
  const most = (await api.ops<{ dead: number }>("/status")).dead;
  while (discarded.length < most) {
    const json = { ...which, reason, limit: Math.min(BATCH, most - discarded.length) };
    const answer = await api.ops<{ count: number; discarded: string[] }>("/dead/discard", {
      method: "POST",
      json,
    });
    discarded.push(...answer.discarded);
    if (answer.count < json.limit) break;
  }
  return { json: { discarded }, text: `${discarded.length} discarded` };
}

export const deadCommands: readonly Command[] = [
  {
    path: ["dead", "list"],
    about: "List dead letters and the open ones' groups by error",
    options: {
      ...filters,
      key: { type: "string", value: "KEY", about: "only this business key" },
      status: { type: "string", value: "STATUS", about: "open (default), replayed or discarded" },
      ...pages,
    },
    run: list,
  },
  {
    path: ["dead", "groups"],
    about: "List the groups of open dead letters, largest first",
    options: { kind: filters.kind, ...pages },
    run: groups,
  },
  {
    path: ["dead", "show"],
    args: ["ID"],
    about: "Show one dead letter with its tries and stack",
    run: showLetter,
  },
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
    args: ["[ID…]"],
    about: "End dead letters without a replay",
    options: {
      ...filters,
      reason: { type: "string", value: "TEXT", about: "why, kept with the letter; needed for a group" },
      note: { type: "string", value: "TEXT", about: "the same as --reason" },
    },
    run: discard,
  },
];
