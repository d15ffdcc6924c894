import { CliError, type Command, type Context, type Result } from "../command.ts";
import { table } from "../table.ts";
import { type UsageView, usageText } from "./stores.ts";

type Outcome = { id: string; done: boolean; error?: string };

async function each(context: Context, work: (id: string) => Promise<unknown>): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const id of context.args) {
    try {
      await work(id);
      outcomes.push({ id, done: true });
    } catch (error) {
      // One that can't be done does not stop the others; without the API nothing goes on.
      if (!(error instanceof CliError) || error.code === "unreachable") throw error;
      outcomes.push({ id, done: false, error: error.message });
    }
  }
  return outcomes;
}

function resultOf(outcomes: readonly Outcome[], word: string): Result {
  const rows = outcomes.map(one => [one.id, one.done ? word : "refused", one.error ?? ""]);
  return {
    json: { items: outcomes },
    text: table(["asset", "status", "error"], rows),
    exitCode: outcomes.every(one => one.done) ? 0 : 1,
  };
}

export const mediaRetry: Command = {
  path: ["media", "retry"],
  args: ["ID…"],
  about: "Convert failed pictures again; exit code 1 when one has not failed",
  options: {},
  async run(context): Promise<Result> {
    const retry = (id: string) =>
      context.api.admin(`/media/${encodeURIComponent(id)}/retry`, { method: "POST" });
    return resultOf(await each(context, retry), "processing");
  },
};

export const mediaDelete: Command = {
  path: ["media", "delete"],
  args: ["ID…"],
  about: "Delete pictures with all their files",
  options: {},
  async run(context): Promise<Result> {
    const remove = (id: string) =>
      context.api.admin(`/media/${encodeURIComponent(id)}`, { method: "DELETE" });
    return resultOf(await each(context, remove), "deleted");
  },
};

export const mediaUsage: Command = {
  path: ["media", "usage"],
  about: "Show what the store's pictures take, and may take",
  async run({ api }): Promise<Result> {
    const usage = await api.admin<UsageView>("/media/usage");
    return { json: usage, text: usageText(usage) };
  },
};
