/**
 * `watch`: a view of another command, again and again. On a terminal each is drawn over the one before; into a pipe they
 * follow one another, with --json one line each. What does not answer for a while is told in the place of the view.
 */
import { type Command, type Context, integerOption, UsageError } from "../command.ts";
import { explain } from "../explain.ts";
import { find, parse } from "../parse.ts";

/** Commands that only look. Any other would do its work again every few seconds. */
export const watchable: readonly string[] = [
  "status",
  "pools",
  "kinds list",
  "jobs find",
  "jobs list",
  "jobs show",
  "jobs timeline",
  "dead list",
  "dead canaries",
  "dead canaries show",
  "cron list",
  "alerts",
  "sale status",
];

const MAX_SECONDS = 3_600;
const MAX_TIMES = 1_000_000;
/** To the upper left corner, and nothing below. */
const CLEAR = "\x1b[H\x1b[2J\x1b[3J";

/** `commands` are asked for late: this command is one of them. */
export function watchCommand(commands: () => readonly Command[]): Command {
  return {
    path: ["watch"],
    args: ["[COMMAND…]"],
    about: "Show a command's view again and again (status without one); options of the command after --",
    options: {
      every: { type: "string", value: "SECONDS", about: "wait so long between two views (2)" },
      times: { type: "string", value: "N", about: "end after so many views (Ctrl-C ends it any time)" },
    },
    async run(context) {
      const everyMs = (integerOption(context, "every", 1, MAX_SECONDS) ?? 2) * 1_000;
      const times = integerOption(context, "times", 1, MAX_TIMES) ?? Number.POSITIVE_INFINITY;
      const words = context.args.length > 0 ? context.args : ["status"];
      const shown = viewOf(commands(), words);
      for (let n = 1; ; n++) {
        draw(context, words, await shown(context));
        if (n >= times) return { json: undefined, text: "" };
        await Bun.sleep(everyMs);
      }
    },
  };
}

type View = { json: unknown; text: string };

/** @throws UsageError for what is no command, or changes something. */
function viewOf(commands: readonly Command[], words: readonly string[]): (context: Context) => Promise<View> {
  const end = words.findIndex(word => word.startsWith("-"));
  const command = find(commands, words.slice(0, end === -1 ? words.length : end));
  const name = command?.path.join(" ");
  if (!command || !watchable.includes(name!)) {
    throw new UsageError(
      `\`${words.join(" ")}\` can't be watched; there are ${namesOf(commands).join(", ")}`,
    );
  }
  const { args, options } = parse(command, words.slice(command.path.length));
  return async context => {
    try {
      return await command.run({ ...context, args, options });
    } catch (error) {
      if (error instanceof UsageError) throw error;
      const [, code, message] = explain(error);
      return { json: { error: { code, message } }, text: `tradewind: ${message}` };
    }
  };
}

export function namesOf(commands: readonly Command[]): string[] {
  const known = new Set(commands.map(({ path }) => path.join(" ")));
  return watchable.filter(name => known.has(name));
}

function draw({ io, json }: Context, words: readonly string[], view: View): void {
  if (json) {
    io.out(`${JSON.stringify(view.json)}\n`);
    return;
  }
  const head = `tradewind ${words.join(" ")}  ·  ${new Date().toISOString().slice(0, 19)}Z`;
  io.out(`${io.screen ? CLEAR : ""}${head}\n\n${view.text}\n${io.screen ? "" : "\n"}`);
}
