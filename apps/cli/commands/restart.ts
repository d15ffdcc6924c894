import { CliError, type Command, type Context, type Result, UsageError } from "../command.ts";
import { createProgress } from "../progress.ts";
import { table } from "../table.ts";

type Replaced = { from: string; to: string; startedMs: number; leftMs: number | null };
type Line = Replaced | { done: true } | { error: string };

const parts = ["api", "keeper", "pools"] as const;

function whatOf([word = "all"]: readonly string[]): readonly string[] {
  if (word === "all") return parts;
  if ((parts as readonly string[]).includes(word)) return [word];
  throw new UsageError(`WHAT must be all, ${parts.join(", ")}; not ${word}`);
}

async function ask({ stack }: Context, what: readonly string[]): Promise<Response> {
  if (!stack.supervisor)
    throw new CliError(
      "no stack runs here; start it with `bun run start`, or set TRADEWIND_HOME",
      "no_stack",
    );
  const { url, token } = stack.supervisor;
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(`${url}/restart`, {
    method: "POST",
    headers,
    body: JSON.stringify({ what }),
  }).catch(() => {
    throw new CliError("the supervisor of this stack does not answer", "unreachable");
  });
  if (response.ok) return response;
  const { error } = (await response.json()) as { error: string };
  throw new CliError(error, response.status === 409 ? "restart_in_progress" : "failed");
}

async function* linesOf(response: Response): AsyncGenerator<Line, void> {
  let rest = "";
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as Line;
  }
}

/** @throws CliError with what was replaced before, when the restart stopped. */
async function replaceAll(context: Context): Promise<Replaced[]> {
  const response = await ask(context, whatOf(context.args));
  const progress = createProgress(context, "restarting");
  const replaced: Replaced[] = [];
  progress.update(0, undefined);
  try {
    for await (const line of linesOf(response)) {
      if ("done" in line) return replaced;
      if ("error" in line) throw new CliError(`${line.error}${toldBefore(replaced)}`, "not_replaced");
      replaced.push(line);
      progress.update(replaced.length, undefined, `${line.from} → ${line.to}`);
    }
  } finally {
    progress.end();
  }
  throw new CliError("the supervisor left in the middle of the restart", "unreachable");
}

const toldBefore = (replaced: readonly Replaced[]) =>
  replaced.length === 0
    ? ""
    : `; replaced before: ${replaced.map(({ from, to }) => `${from} by ${to}`).join(", ")}`;

function textOf(replaced: readonly Replaced[]): string {
  const rows = replaced.map(({ from, to, startedMs, leftMs }) => [
    from,
    to,
    `${startedMs} ms`,
    leftMs === null ? "finishes its work" : `${leftMs} ms`,
  ]);
  return table(["process", "replaced by", "worked after", "left after"], rows);
}

export const restartCommand: Command = {
  path: ["restart"],
  args: ["[WHAT]"],
  about: "Replace our processes on this machine one by one, without a gap: all, api, keeper or pools",
  async run(context): Promise<Result> {
    const replaced = await replaceAll(context);
    return { json: { replaced }, text: textOf(replaced) };
  },
};
