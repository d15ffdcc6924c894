import { basename } from "node:path";
import { type Command, type Context, type Result, textOption, UsageError } from "../command.ts";
import { createProgress } from "../progress.ts";
import { bytes, cut, fields, table } from "../table.ts";
import { uploadOf } from "../upload.ts";

type ImportView = {
  id: string;
  status: "queued" | "running" | "done" | "failed";
  href?: string;
  rows?: number;
  products?: number;
  variants?: number;
  created?: number;
  updated?: number;
  unchanged?: number;
  errorCount?: number;
  /** Why the file as a whole failed. */
  reason?: string | null;
  errors?: { row: number; column: string; message: string }[];
};

const POLL_MS = 250;
/** Row errors that the text shows; --json has all that the API gives. */
const SHOWN_ERRORS = 50;

async function send(context: Context, path: string): Promise<ImportView> {
  const inventory = textOption(context, "inventory") ?? "new";
  if (inventory !== "new" && inventory !== "set") throw new UsageError("--inventory must be new or set");
  const progress = createProgress(context, `sending ${basename(path)}`);
  let size = 0;
  const upload = await uploadOf(path, {}, sent => progress.update(sent, size, bytes(size)));
  size = upload.size;
  try {
    return await context.api.upload(`/imports?inventory=${inventory}`, upload.body, upload.contentType);
  } finally {
    progress.end();
  }
}

async function follow(context: Context, id: string): Promise<ImportView> {
  const progress = createProgress(context, "importing");
  try {
    for (;;) {
      const view = await context.api.admin<ImportView>(`/imports/${id}`);
      if (view.status === "done" || view.status === "failed") return view;
      const { rows = 0, products = 0 } = view;
      progress.update(rows, undefined, `${view.status}, ${rows} rows, ${products} products`);
      await Bun.sleep(POLL_MS);
    }
  } finally {
    progress.end();
  }
}

function show(view: ImportView): string {
  const { errors = [] } = view;
  const bad = view.errorCount ?? errors.length;
  const about = fields([
    ["import", view.id],
    ["status", view.status],
    ["rows", view.rows],
    ["products", view.products],
    ["variants", view.variants],
    ["created", view.created],
    ["updated", view.updated],
    ["unchanged", view.unchanged],
    ["bad cells", bad],
    ...(view.reason ? [["reason", view.reason] as const] : []),
  ]);
  const rows = errors.slice(0, SHOWN_ERRORS).map(one => [one.row, one.column, cut(one.message, 100)]);
  const rest = bad > rows.length ? `\n… and ${bad - rows.length} more (--json)` : "";
  return rows.length > 0 ? `${about}\n\n${table(["row", "column", "error"], rows)}${rest}` : about;
}

export const importCommand: Command = {
  path: ["import"],
  args: ["FILE"],
  about: "Import a Shopify product CSV and wait for it; exit code 1 when it fails",
  options: {
    inventory: { type: "string", value: "new|set", about: "stock of new variants only, or of all (new)" },
    "no-wait": { type: "boolean", about: "don't wait for the end" },
  },
  async run(context): Promise<Result> {
    const accepted = await send(context, context.args[0]!);
    if (context.options["no-wait"]) return { json: accepted, text: `import ${accepted.id} is queued` };
    const view = await follow(context, accepted.id);
    return { json: view, text: show(view), exitCode: view.status === "done" ? 0 : 1 };
  },
};
