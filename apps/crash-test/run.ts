/**
 * One run: a fresh stack, load, faults one after the other, rest, the count, the stop. The seed decides what is done to
 * what, in which order and after which pauses; when exactly a fault hits depends on how long the one before took.
 */
import { type Count, comeToRest, count, durables, type Finding, judgeProcesses } from "./count/index.ts";
import { type FaultContext, faults, type Happened, inOrderOf, untilWell } from "./faults/index.ts";
import { Journal } from "./journal.ts";
import { loadOf, type Running, type Source, startLoad, stockShop } from "./load/index.ts";
import type { Options } from "./options.ts";
import { seeded } from "./random.ts";
import { type Report, reportOf, timelines } from "./report.ts";
import { makeHome, type Stack, startStack } from "./stack.ts";

/** A stack that needs longer is not well: the run ends. */
const PATIENCE_MS = 60_000;
/** Between two faults, so that the stack is whole for a moment. */
const PAUSE_MS = [300, 1_500] as const;
const WARM_UP_MS = 1_500;

export type Tell = (line: string) => void;

export async function crashTest(options: Options, tell: Tell): Promise<Report> {
  const home = await makeHome();
  const stack = await startStack(home);
  let isKept = false;
  try {
    tell(`stack in ${home}`);
    const { report, findings, journal } = await runOn(stack, options, tell);
    const story = timelines(findings, journal);
    if (story) tell(story);
    isKept = options.keep && report.problems.length > 0;
    return report;
  } finally {
    await stack.stop();
    if (isKept) tell(`kept: ${home}`);
    else await stack.remove();
  }
}

async function runOn(stack: Stack, options: Options, tell: Tell) {
  const random = seeded(options.seed);
  const journal = new Journal();
  const shop = await stockShop(stack);
  const before = await durables(stack);
  const { api, keys } = stack.now();
  const context = { journal, shop, keys: keys!, origin: () => api, random: seeded(options.seed + 1) };
  const sources = loadOf(context);
  const running = startLoad(sources);
  await Bun.sleep(WARM_UP_MS);
  const happened = await disturb({ stack, journal, random }, { running, sources, options, tell });
  tell("no more faults; waiting for rest");
  await running.stop();
  const unrest = await comeToRest(stack);
  tell("counting");
  const counted = await count(stack, { journal, shop, durables: before });
  const code = await stack.stop();
  const findings: Finding[] = [
    ...happened.stuck,
    ...unrest,
    ...counted.findings,
    ...(code === 0 ? [] : [{ kind: "left" as const, what: `the supervisor ended with ${code}` }]),
    ...judgeProcesses(stack.home),
  ];
  const all: Count = { ...counted, findings };
  const { seed, seconds } = options;
  const report = reportOf({ ...happened, seed, seconds, count: all, journal, leftOut: [] });
  return { report, findings, journal };
}

async function disturb(
  context: FaultContext,
  options: { running: Running; sources: readonly Source[]; options: Options; tell: Tell },
): Promise<{ kills: Happened[]; disturbances: Happened[]; stuck: Finding[] }> {
  const { only, seconds } = options.options;
  const some = faults.filter(({ name }) => only === null || only.includes(name));
  const [kills, disturbances, stuck]: [Happened[], Happened[], Finding[]] = [[], [], []];
  const end = performance.now() + seconds * 1_000;
  for (const fault of inOrderOf(context.random, some)) {
    const pauseMs = context.random.between(...PAUSE_MS);
    if (performance.now() + pauseMs > end) break;
    await Bun.sleep(pauseMs);
    const inflicted = await fault.inflict(context);
    const { stack } = context;
    const recovery = await untilWell(inflicted, { ...options, stack, patienceMs: PATIENCE_MS });
    const left = Math.max(0, Math.round((end - performance.now()) / 1_000));
    const name = `${fault.name} (${inflicted.target})`;
    if ("missing" in recovery) {
      const what = `${PATIENCE_MS / 1_000} s after ${name}: ${recovery.missing} is missing`;
      stuck.push({ kind: "left", what });
      options.tell(what);
      break;
    }
    const recoveredMs = recovery.ms;
    options.tell(`${name}: well after ${recoveredMs} ms; ${left} s to go`);
    context.journal.fault(`well again after ${fault.name}, ${recoveredMs} ms`);
    (fault.name.startsWith("kill") ? kills : disturbances).push({ target: inflicted.target, recoveredMs });
  }
  return { kills, disturbances, stuck };
}
