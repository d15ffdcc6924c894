import { type Command, type Context, type Result, textOption } from "../command.ts";
import { createProgress } from "../progress.ts";
import { table } from "../table.ts";

type Reindex = {
  storeId: string;
  id: string;
  status: "queued" | "building" | "done" | "failed";
  done: number;
  total: number;
  error: string | null;
};
type Reindexes = { items: Reindex[] };

const POLL_MS = 250;

const isOver = ({ status }: Reindex) => status === "done" || status === "failed";
const sum = (all: readonly Reindex[], field: "done" | "total") =>
  all.reduce((total, one) => total + one[field], 0);

async function follow(context: Context, asked: readonly Reindex[]): Promise<Reindex[]> {
  const progress = createProgress(context, "reindexing");
  try {
    for (;;) {
      const now: Reindex[] = [];
      for (const { storeId } of asked) {
        now.push(...(await context.api.ops<Reindexes>("/reindex", { query: { storeId } })).items);
      }
      if (now.every(isOver)) return now;
      const [done, total] = [sum(now, "done"), sum(now, "total")];
      progress.update(done, total || undefined, `${done} of ${total} products`);
      await Bun.sleep(POLL_MS);
    }
  } finally {
    progress.end();
  }
}

export const reindexCommand: Command = {
  path: ["reindex"],
  about: "Make the search index anew beside the one that answers, and wait for it",
  options: {
    store: { type: "string", value: "ID", about: "of this store only" },
    "no-wait": { type: "boolean", about: "don't wait for the end" },
  },
  async run(context): Promise<Result> {
    const storeId = textOption(context, "store");
    const asked = await context.api.ops<Reindexes>("/reindex", {
      method: "POST",
      json: storeId === undefined ? {} : { storeId },
    });
    const items = context.options["no-wait"] ? asked.items : await follow(context, asked.items);
    const rows = items.map(one => [one.storeId, one.status, one.done, one.total, one.error]);
    const exitCode = items.some(one => one.status === "failed") ? 1 : 0;
    return { exitCode, json: { items }, text: table(["store", "status", "done", "of", "error"], rows) };
  },
};
