import { type Command, type Context, type Result, textOption } from "../command.ts";
import { createProgress } from "../progress.ts";
import { table } from "../table.ts";

type Build = {
  storeId: string;
  id: string;
  status: "queued" | "running" | "done";
  done: number;
  total: number;
};
type Builds = { items: Build[] };

const POLL_MS = 250;

async function follow(context: Context, asked: readonly Build[]): Promise<Build[]> {
  const progress = createProgress(context, "rebuilding summaries");
  try {
    for (;;) {
      const now: Build[] = [];
      for (const { storeId } of asked) {
        now.push(...(await context.api.ops<Builds>("/summaries", { query: { storeId } })).items);
      }
      if (now.every(build => build.status === "done")) return now;
      const [done, total] = [sum(now, "done"), sum(now, "total")];
      progress.update(done, total || undefined, `${done} of ${total} products`);
      await Bun.sleep(POLL_MS);
    }
  } finally {
    progress.end();
  }
}

const sum = (builds: readonly Build[], field: "done" | "total") =>
  builds.reduce((all, build) => all + build[field], 0);

export const rebuildCommand: Command = {
  path: ["rebuild", "summaries"],
  about: "Make the summaries of product lists anew, and wait for it",
  options: {
    store: { type: "string", value: "ID", about: "of this store only" },
    "no-wait": { type: "boolean", about: "don't wait for the end" },
  },
  async run(context): Promise<Result> {
    const storeId = textOption(context, "store");
    const asked = await context.api.ops<Builds>("/summaries/rebuild", {
      method: "POST",
      json: storeId === undefined ? {} : { storeId },
    });
    const items = context.options["no-wait"] ? asked.items : await follow(context, asked.items);
    const rows = items.map(one => [one.storeId, one.status, one.done, one.total]);
    return { json: { items }, text: table(["store", "status", "done", "of"], rows) };
  },
};
