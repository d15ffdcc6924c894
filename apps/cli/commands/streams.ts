/** Backup and restore of what only JetStream has, and of jobs that a lost JetStream had. */
import { mkdir } from "node:fs/promises";
import {
  keptStreams,
  resendQueued,
  restoreStream,
  type SavedStream,
  saveStream,
} from "../../../bus/index.ts";
import { CliError, type Command, type Context, type Result } from "../command.ts";
import { withDatabase } from "../database.ts";
import { withNats } from "../nats.ts";
import { table } from "../table.ts";

const ARGS = ["DIR", "[STREAM…]"];

export const streamCommands: readonly Command[] = [
  {
    path: ["streams", "backup"],
    args: ARGS,
    about: `Save streams of JetStream into a folder; of ours those that Postgres does not know: ${keptStreams.join(", ")}`,
    run: context => each(context, "saved", saveStream),
  },
  {
    path: ["streams", "restore"],
    args: ARGS,
    about:
      "Put saved streams in the place of those of the same name, while nothing but the NATS servers runs",
    run: context => each(context, "restored", restoreStream),
  },
  {
    path: ["jobs", "resend"],
    about: "Publish the jobs again that were on their way when JetStream was lost; refused while it has any",
    run: context =>
      withDatabase(context, sql =>
        withNats(context, async connection => {
          const result = await resendQueued(sql, connection);
          if (result.type === "held") {
            throw new CliError(
              `JetStream has ${result.messages} messages of jobs, which workers will come to; jobs are resent when it has none`,
              "not_lost",
            );
          }
          return { json: result, text: `${result.jobs} jobs will be published again` };
        }),
      ),
  },
];

async function each(context: Context, what: string, act: typeof saveStream): Promise<Result> {
  const [dir, ...given] = context.args;
  await mkdir(dir!, { recursive: true, mode: 0o700 });
  return withNats(context, async ({ nc }) => {
    const done: SavedStream[] = [];
    for (const name of given.length > 0 ? given : keptStreams) {
      const one = await act(nc, name, dir!);
      if (one) done.push(one);
      else if (given.length > 0) throw new CliError(`there is no stream ${name}`, "not_found");
    }
    const rows = done.map(one => [one.name, one.messages, one.bytes]);
    return { json: { [what]: done }, text: table(["stream", "messages", "bytes"], rows, `nothing ${what}`) };
  });
}
