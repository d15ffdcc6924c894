import {
  type MoveReport,
  moveFiles,
  openDisk,
  S3Storage,
  s3Options,
} from "../../../platform/storage/index.ts";
import { type Command, type Context, type Result, textOption, UsageError } from "../command.ts";
import { createProgress } from "../progress.ts";
import { bytes } from "../table.ts";

const STOPPED = 130;

/** The files themselves: it needs no running API, but the machine's folder and the settings S3_*. */
export const mediaMove: Command = {
  path: ["media", "move"],
  about: "Copy all media to the other storage; can be stopped and started again",
  options: {
    to: { type: "string", value: "s3|disk", about: "where to; the other one is the source" },
    remove: { type: "boolean", about: "remove from the source what was read back from the target" },
  },
  async run(context): Promise<Result> {
    const to = textOption(context, "to");
    if (to !== "s3" && to !== "disk") throw new UsageError("--to must be s3 or disk");
    const s3 = s3Options(context.config);
    if (!s3)
      throw new UsageError("no bucket: set S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY");
    const [bucket, disk] = [new S3Storage(s3), openDisk(context.config)];
    const report = await (to === "s3" ? move(context, disk, bucket) : move(context, bucket, disk));
    return { json: report, text: told(report), exitCode: report.stopped ? STOPPED : 0 };
  },
};

type Place = Parameters<typeof moveFiles>[0];

async function move(context: Context, from: Place, to: Place): Promise<MoveReport> {
  const progress = createProgress(context, "moving");
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  try {
    return await moveFiles(from, to, {
      remove: context.options.remove === true,
      signal: stop.signal,
      onProgress: ({ files, copied, copiedBytes }) =>
        progress.update(files, undefined, `${files} seen, ${copied} copied, ${bytes(copiedBytes)}`),
    });
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
    progress.end();
  }
}

function told({ files, copied, copiedBytes, present, removed, stopped }: MoveReport): string {
  const done = `${files} files: ${copied} copied (${bytes(copiedBytes)}), ${present} were there, ${removed} removed`;
  return stopped ? `${done}; stopped, start it again to go on` : done;
}
