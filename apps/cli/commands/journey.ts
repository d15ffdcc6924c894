/** `journey`: what a visitor does, against any deployment, once or on a schedule; for cron, timers and monitors. */
import { type Command, type Context, integerOption, textOption, UsageError } from "../command.ts";
import { type Journey, travel } from "../journey/journey.ts";
import { createVisitor, type Visitor } from "../journey/visitor.ts";

const MAX_TIMES = 1_000_000;
const TIMEOUT_MS = 10_000;
const EMAIL = "journey@example.org";
const units = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

export const journeyCommand: Command = {
  path: ["journey"],
  about: "Browse and buy as a visitor would, each step timed; exit code 1 when a step fails",
  options: {
    url: { type: "string", value: "URL", about: "of the deployment; else the stack's" },
    key: {
      type: "string",
      value: "pk_…",
      about: "publishable key; else TRADEWIND_PUBLISHABLE_KEY or the stack's",
    },
    every: { type: "string", value: "60s", about: "again and again, so long from start to start (s, m, h)" },
    times: { type: "string", value: "N", about: "with --every: end after so many (Ctrl-C ends it any time)" },
    browse: { type: "boolean", about: "buy nothing, even where test payments are taken" },
    email: { type: "string", value: "ADDRESS", about: `of the orders (${EMAIL})` },
    timeout: { type: "string", value: "MS", about: `longest wait for an answer (${TIMEOUT_MS})` },
  },
  async run(context) {
    const everyMs = duration(textOption(context, "every"));
    const times = integerOption(context, "times", 1, MAX_TIMES);
    if (times !== undefined && everyMs === null) throw new UsageError("--times goes with --every");
    const visitor = visitorOf(context);
    const browseOnly = context.options.browse === true;
    const first = await travel({ visitor, browseOnly });
    if (everyMs === null) return { ...shown(first), exitCode: first.ok ? 0 : 1 };
    let failures = 0;
    let journey = first;
    for (let n = 1; ; n++) {
      tell(context, journey);
      if (!journey.ok) failures++;
      if (n >= (times ?? Number.POSITIVE_INFINITY)) break;
      await Bun.sleep(Math.max(0, Date.parse(journey.at) + everyMs - Date.now()));
      journey = await travel({ visitor, browseOnly });
    }
    return { json: undefined, text: "", exitCode: failures > 0 ? 1 : 0 };
  },
};

/** To another address than the stack's go only keys that were given for it. */
function visitorOf(context: Context): Visitor {
  const { stack } = context;
  const url = textOption(context, "url")?.replace(/\/+$/, "");
  if (url !== undefined && !/^https?:\/\/[^/]/.test(url))
    throw new UsageError("--url must be an http(s) URL");
  return createVisitor({
    url: url ?? stack.api,
    key: textOption(context, "key") ?? stack.key("publishable"),
    secretKey: stack.find("secret", url === undefined ? "anywhere" : "given"),
    email: textOption(context, "email") ?? EMAIL,
    timeoutMs: integerOption(context, "timeout", 100, 600_000) ?? TIMEOUT_MS,
  });
}

/** @throws UsageError for what is no time from a second to a day. */
function duration(text: string | undefined): number | null {
  if (text === undefined) return null;
  const match = /^(\d+)(s|m|h)?$/.exec(text);
  const ms = match ? Number(match[1]) * units[(match[2] ?? "s") as keyof typeof units] : 0;
  if (ms < 1_000 || ms > 24 * units.h)
    throw new UsageError("--every must be a time from 1s to 24h, such as 60s");
  return ms;
}

function tell({ io, json }: Context, journey: Journey): void {
  io.out(`${json ? JSON.stringify(journey) : shown(journey).text}\n`);
}

function shown(journey: Journey): { json: Journey; text: string } {
  const { ok, url, at, ms, steps, failed, skipped } = journey;
  const width = Math.max(8, ...steps.map(({ name }) => name.length), failed?.step.length ?? 0);
  const lines = [
    `${ok ? "ok" : "FAILED"}  ${url}  ${ms} ms  ${at}`,
    ...steps.map(step => `  ${step.name.padEnd(width)}  ${step.ms.toFixed(1).padStart(8)} ms`),
    ...(failed ? [`  ${failed.step.padEnd(width)}  ${failed.error}`] : []),
    ...(skipped ? [`  nothing bought: ${skipped}`] : []),
  ];
  return { json: journey, text: lines.join("\n") };
}
