/** Canaries: dead letters replayed in portions that are watched. */
import {
  type Command,
  type Context,
  integerOption,
  type Result,
  textOption,
  UsageError,
} from "../command.ts";
import { cut, fields, table } from "../table.ts";
import { payloadOf } from "./dead.ts";

type Canary = {
  id: string;
  kind: string | null;
  fingerprint: string | null;
  ids: string[] | null;
  status: string;
  carryOn: boolean;
  portion: number;
  portionSize: number;
  replayed: number;
  succeeded: number;
  failed: number;
  stoppedBy: string | null;
  stoppedAt: { deadId: string | null; jobId: string | null; error: string } | null;
  createdAt: string;
};

function shown(canary: Canary): string {
  return fields([
    ["id", canary.id],
    ["letters", canary.fingerprint ?? canary.kind ?? `${canary.ids?.length ?? 0} by id`],
    ["status", canary.status],
    ["portion", `${canary.portion}, of up to ${canary.portionSize}`],
    ["replayed", canary.replayed],
    ["succeeded", canary.succeeded],
    ["failed", canary.failed],
    ["goes on", canary.carryOn ? "by itself" : "when told"],
    ...(canary.stoppedBy ? [["stopped by", canary.stoppedBy] as const] : []),
    ...(canary.stoppedAt
      ? ([
          ["job", canary.stoppedAt.jobId],
          ["error", canary.stoppedAt.error],
        ] as const)
      : []),
  ]);
}

const result = (canary: Canary): Result => ({ json: canary, text: shown(canary) });

async function start(context: Context): Promise<Result> {
  const { api, args, options } = context;
  const [fingerprint, kind] = [textOption(context, "fingerprint"), textOption(context, "kind")];
  if (args.length === 0 && !fingerprint && !kind) throw new UsageError("give IDs, --fingerprint or --kind");
  const json = {
    ids: args.length > 0 ? args : undefined,
    fingerprint,
    kind,
    size: integerOption(context, "size", 1, 500),
    limit: integerOption(context, "limit", 1, 100_000),
    carryOn: options["carry-on"] === true,
    stopOn: textOption(context, "stop-on"),
    payload: payloadOf(context),
  };
  return result(await api.ops<Canary>("/dead/canaries", { method: "POST", json }));
}

async function list(context: Context): Promise<Result> {
  const query = {
    status: textOption(context, "status"),
    limit: integerOption(context, "limit", 1, 100) ?? 20,
    cursor: textOption(context, "cursor"),
  };
  const page = await context.api.ops<{ items: Canary[]; nextCursor: string | null }>("/dead/canaries", {
    query,
  });
  const rows = page.items.map(one => [
    one.id,
    one.fingerprint ?? one.kind ?? "by id",
    one.status,
    one.replayed,
    one.succeeded,
    one.failed,
    cut(one.stoppedAt?.error ?? "", 50),
  ]);
  const head = ["id", "letters", "status", "replayed", "succeeded", "failed", "error"];
  const more = page.nextCursor ? `\nmore: --cursor ${page.nextCursor}` : "";
  return { json: page, text: table(head, rows, "no canaries") + more };
}

function told(verb: "continue" | "stop") {
  return async ({ api, args }: Context): Promise<Result> =>
    result(
      await api.ops<Canary>(`/dead/canaries/${encodeURIComponent(args[0]!)}/${verb}`, { method: "POST" }),
    );
}

export const canaryCommands: readonly Command[] = [
  {
    path: ["dead", "canary"],
    args: ["[ID…]"],
    about: "Replay a few dead letters and watch them; the rest follows when they end well",
    options: {
      fingerprint: { type: "string", value: "PRINT", about: "of this error" },
      kind: { type: "string", value: "KIND", about: "of this kind" },
      size: {
        type: "string",
        value: "N",
        about: "letters of the first portion (1); each next one is twice as large",
      },
      limit: { type: "string", value: "N", about: "at most this many in all (10000)" },
      "carry-on": { type: "boolean", about: "go on by itself while all is well" },
      "stop-on": { type: "string", value: "WHAT", about: "failed_try (default) or dead" },
      payload: { type: "string", value: "JSON", about: "a corrected payload instead of the old one" },
    },
    run: start,
  },
  {
    path: ["dead", "canaries"],
    about: "List canaries, latest first",
    options: {
      status: { type: "string", value: "STATUS", about: "watching, waiting, stopped or done" },
      limit: { type: "string", value: "N", about: "at most this many (20)" },
      cursor: { type: "string", value: "CURSOR", about: "go on where a list ended" },
    },
    run: list,
  },
  {
    path: ["dead", "canaries", "show"],
    args: ["ID"],
    about: "Show how a canary stands",
    run: async ({ api, args }) =>
      result(await api.ops<Canary>(`/dead/canaries/${encodeURIComponent(args[0]!)}`)),
  },
  {
    path: ["dead", "canaries", "continue"],
    args: ["ID"],
    about: "Send out the next portion of a canary that waits or has stopped",
    run: told("continue"),
  },
  { path: ["dead", "canaries", "stop"], args: ["ID"], about: "Replay nothing further", run: told("stop") },
];
