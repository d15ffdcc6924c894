/**
 * One run: a fresh stack, load, faults one after the other, rest, the count, the stop. The seed decides what is done to
 * what, in which order and after which pauses; when exactly a fault hits depends on how long the one before took.
 */
import { cp, rm } from "node:fs/promises";
import { loadConfig } from "../../platform/config.ts";
import {
  type Count,
  comeToRest,
  count,
  durables,
  type Finding,
  judgeProcesses,
  longestGaps,
} from "./count/index.ts";
import {
  type BreakableNats,
  type FarNode,
  type Fault,
  type FaultContext,
  faultsOf,
  type Happened,
  inOrderOf,
  mountDisks,
  natsFaults,
  type SmallDisks,
  startBreakableNats,
  startFarNode,
  untilWell,
} from "./faults/index.ts";
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
/** Once the load ran at its full rate: before, it is a start that is measured. */
const WARM_UP_MS = 3_000;
/** Of the requests: those that take the way that is cut at times. */
const FAR = 0.3;

export type Tell = (line: string) => void;

/** Whatever ends it, a signal too, nothing is left of the stack. */
export async function crashTest(options: Options, tell: Tell): Promise<Report> {
  const home = await makeHome();
  const disks = mountDisks(home);
  const ends: (() => Promise<unknown>)[] = [
    () => rm(home, { recursive: true, force: true }),
    async () => disks.unmount(),
  ];
  const end = async () => {
    for (const one of ends.splice(0).reverse()) await one().catch(error => tell(String(error)));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void end().then(() => process.exit(130)));
  try {
    const nats = options.natsCluster ? await startBreakableNats(loadConfig(process.env).natsServerBin) : null;
    if (nats) ends.push(nats.stop);
    const settings: Record<string, string> = nats ? { NATS_URL: nats.url, TRADEWIND_NATS_REPLICAS: "3" } : {};
    const stack = await startStack(home, settings);
    ends.push(stack.stop);
    tell(`stack in ${home}`);
    const node = await startFarNode(stack, settings);
    ends.push(node.stop);
    const keepLogs = async () => options.keep && keep(home, tell);
    const { report, findings, journal } = await runOn({ stack, node, disks, nats }, options, tell).catch(
      async error => {
        await keepLogs();
        throw error;
      },
    );
    const story = timelines(findings, journal);
    if (story) tell(story);
    if (report.problems.length > 0) await keepLogs();
    return report;
  } finally {
    await end();
  }
}

/** The logs: what else there was is in the journal, or was counted. */
async function keep(home: string, tell: Tell): Promise<void> {
  const kept = `${home}-logs`;
  await cp(`${home}/logs`, kept, { recursive: true });
  tell(`kept: ${kept}`);
}

type World = { stack: Stack; node: FarNode; disks: SmallDisks; nats: BreakableNats | null };

async function runOn({ stack, node, disks, nats }: World, options: Options, tell: Tell) {
  const { seed, seconds } = options;
  const random = seeded(seed);
  const journal = new Journal();
  await nats?.ready();
  const shop = await stockShop(stack);
  const before = await durables(stack);
  const { api, keys } = stack.now();
  const choice = seeded(seed + 1);
  const origin = () => (choice.next() < FAR ? node.origin : api);
  const sources = loadOf({ journal, shop, keys: keys!, origin, random: choice });
  const running = startLoad(sources);
  await untilWell(
    { target: "start", atMs: performance.now(), isBack: () => true },
    { stack, running, sources, patienceMs: PATIENCE_MS },
  );
  await Bun.sleep(WARM_UP_MS);
  const faults = (nats ? natsFaults(nats) : faultsOf(node, disks)).filter(
    ({ name }) => options.only?.includes(name) ?? true,
  );
  const happened = await disturb({ stack, journal, random }, { running, sources, faults, seconds, tell });
  tell("no more faults; waiting for rest");
  await running.stop();
  const unrest = await comeToRest(stack);
  tell("counting");
  const counted = await count(stack, { journal, shop, durables: before });
  for (const [what, all = []] of Object.entries(
    Object.groupBy(counted.repeatedAt, at => journal.lastFault(at)),
  ))
    tell(
      `${all.length} mails were sent again that had gone out after ${what}, or when a drill killed its worker`,
    );
  await node.stop();
  const code = await stack.stop();
  const findings: Finding[] = [
    ...happened.stuck,
    ...unrest,
    ...counted.findings,
    ...(code === 0 ? [] : [{ kind: "left" as const, what: `the supervisor ended with ${code}` }]),
    ...judgeProcesses(stack.home),
  ];
  const all: Count = { ...counted, findings };
  const leftOut = disks.leftOut === null ? [] : [disks.leftOut];
  const report = reportOf({ ...happened, seed, seconds, count: all, journal, leftOut });
  return { report, findings, journal };
}

async function disturb(
  context: FaultContext,
  options: {
    running: Running;
    sources: readonly Source[];
    faults: readonly Fault[];
    seconds: number;
    tell: Tell;
  },
): Promise<{ kills: Happened[]; disturbances: Happened[]; stuck: Finding[] }> {
  const { faults, seconds } = options;
  const [kills, disturbances, stuck]: [Happened[], Happened[], Finding[]] = [[], [], []];
  const end = performance.now() + seconds * 1_000;
  for (const fault of inOrderOf(context.random, faults)) {
    const pauseMs = context.random.between(...PAUSE_MS);
    if (performance.now() + pauseMs > end) break;
    await Bun.sleep(pauseMs);
    const fromMs = Date.now();
    const { stack, journal } = context;
    const inflicted = await fault.inflict(context).catch((error: Error) => error);
    if (inflicted instanceof Error) {
      const what = `${fault.name}: ${inflicted.message}`;
      stuck.push({ kind: "left", what });
      options.tell(what);
      break;
    }
    const recovery = await untilWell(inflicted, { ...options, stack, patienceMs: PATIENCE_MS });
    const left = Math.max(0, Math.round((end - performance.now()) / 1_000));
    const name = `${fault.name} (${inflicted.target})`;
    if ("missing" in recovery) {
      const what = `${PATIENCE_MS / 1_000} s after ${name}: not yet: ${recovery.missing}`;
      stuck.push({ kind: "left", what });
      options.tell(what);
      for (const line of await sessions(stack)) options.tell(line);
      await inflicted.mend?.().catch(error => options.tell(String(error)));
      break;
    }
    const recoveredMs = recovery.ms;
    options.tell(`${name}: well after ${recoveredMs} ms (${recovery.steps}); ${left} s to go`);
    const gaps = await longestGaps(stack, journal, { fromMs, toMs: Date.now() });
    try {
      await inflicted.mend?.();
    } catch (error) {
      stuck.push({ kind: "left", what: `after ${name}: ${(error as Error).message}` });
      break;
    }
    journal.fault(`well again after ${fault.name}, ${recoveredMs} ms`);
    (fault.name.startsWith("kill") ? kills : disturbances).push({
      target: inflicted.target,
      recoveredMs,
      ...gaps,
    });
  }
  return { kills, disturbances, stuck };
}

/** What Postgres is busy with, for whoever looks for the reason. */
async function sessions(stack: Stack): Promise<string[]> {
  const rows = await stack.sql<{ name: string; state: string; wait: string | null; query: string }[]>`
    SELECT application_name AS name, state, wait_event AS wait, left(query, 100) AS query FROM pg_stat_activity
    WHERE state <> 'idle' AND pid <> pg_backend_pid()`.catch(() => []);
  return rows.map(
    ({ name, state, wait, query }) => `  ${name}: ${state} (${wait}) ${query.replace(/\s+/g, " ")}`,
  );
}
