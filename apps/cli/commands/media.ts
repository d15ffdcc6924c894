import { basename } from "node:path";
import { CliError, type Command, type Context, type Result, textOption } from "../command.ts";
import { createProgress } from "../progress.ts";
import { sendFile } from "../resumable.ts";
import { bytes, cut, table } from "../table.ts";

type AssetView = {
  id: string;
  status: "processing" | "ready" | "failed";
  complete?: boolean;
  width?: number | null;
  height?: number | null;
  format?: string | null;
  variants?: { name: string; format: string; bytes: number; url: string }[];
  progress?: { done: number; total: number };
  error?: { code: string; message: string };
};
type Outcome = { file: string; asset?: AssetView; error?: string };

const POLL_MS = 250;

async function send(context: Context, file: string): Promise<Outcome> {
  const progress = createProgress(context, `sending ${basename(file)}`);
  try {
    const { exchange } = context.api;
    const fields = { alt: textOption(context, "alt"), productId: textOption(context, "product") };
    const onProgress = (sent: number, size: number, trouble?: string) =>
      progress.update(sent, size, trouble ?? bytes(size), trouble !== undefined);
    const id = await sendFile(file, { exchange, fields, onProgress });
    return { file, asset: await context.api.admin<AssetView>(`/media/${id}`) };
  } catch (error) {
    // One file that is refused does not stop the others; without the API nothing goes on.
    if (!(error instanceof CliError) || stopsAll.has(error.code)) throw error;
    return { file, error: error.message };
  } finally {
    progress.end();
  }
}

const stopsAll = new Set(["unreachable", "unauthorized", "forbidden", "no_key"]);

/** Whether something of it is still being made. */
function isUnderWay(asset: AssetView | undefined): asset is AssetView {
  return asset?.status === "processing" || (asset?.status === "ready" && asset.complete === false);
}

/** Pictures that are done, the variants of unfinished ones as parts of one. */
function doneOf(outcomes: readonly Outcome[]): number {
  const part = ({ asset }: Outcome) =>
    !isUnderWay(asset) ? 1 : asset.progress?.total ? asset.progress.done / asset.progress.total : 0;
  return outcomes.reduce((sum, outcome) => sum + part(outcome), 0);
}

async function follow(context: Context, outcomes: Outcome[]): Promise<void> {
  const progress = createProgress(context, "converting");
  try {
    for (;;) {
      const waiting = outcomes.filter(({ asset }) => isUnderWay(asset));
      progress.update(doneOf(outcomes), outcomes.length, `${waiting.length} to go`);
      if (waiting.length === 0) return;
      for (const outcome of waiting) {
        outcome.asset = await context.api.admin<AssetView>(`/media/${outcome.asset!.id}`);
      }
      await Bun.sleep(POLL_MS);
    }
  } finally {
    progress.end();
  }
}

function reason({ asset, error }: Outcome): string {
  return error ?? asset?.error?.message ?? "";
}

function show(outcomes: Outcome[]): string {
  const rows = outcomes.map(outcome => [
    basename(outcome.file),
    outcome.asset?.id ?? "",
    outcome.asset?.status ?? "refused",
    outcome.asset?.width ? `${outcome.asset.width}×${outcome.asset.height}` : "",
    outcome.asset?.variants?.length ?? 0,
    cut(reason(outcome), 90),
  ]);
  return table(["file", "asset", "status", "size", "variants", "error"], rows);
}

export const mediaUpload: Command = {
  path: ["media", "upload"],
  args: ["FILE…"],
  about:
    "Upload pictures and wait for their variants; goes on where it was cut off; exit code 1 when one fails",
  options: {
    product: { type: "string", value: "ID", about: "the product they show" },
    alt: { type: "string", value: "TEXT", about: "their alternative text" },
    "no-wait": { type: "boolean", about: "don't wait for the variants" },
  },
  async run(context): Promise<Result> {
    const outcomes: Outcome[] = [];
    for (const file of context.args) outcomes.push(await send(context, file));
    if (!context.options["no-wait"]) await follow(context, outcomes);
    const failed = outcomes.some(({ asset }) => !asset || asset.status === "failed");
    const items = outcomes.map(outcome => ({ ...outcome.asset, file: outcome.file, ...errorOf(outcome) }));
    return { json: { items }, text: show(outcomes), exitCode: failed ? 1 : 0 };
  },
};

/** A refused file has no asset; its status and error are the refusal's. */
function errorOf({ error }: Outcome): { status?: string; error?: { code: string; message: string } } {
  return error ? { status: "refused", error: { code: "refused", message: error } } : {};
}
