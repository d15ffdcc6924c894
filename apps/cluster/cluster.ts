/**
 * The supervisor: brings up services, database and processes in order, keeps them running, and takes them down in
 * order. `stack.json` is written at every change, so that one that is killed leaves a picture of what it started.
 *
 * Start: leftovers → port → services → migrations, store and keys → processes → pools by their targets → control.
 * Stop: API nodes, pools and keeper drain side by side (what they leave undone is in Postgres or in the queue), then
 * Redis front and mail catcher, then the servers, Postgres last.
 */
import type { Config } from "../../platform/config.ts";
import type { Log } from "../../platform/log.ts";
import { type Control, openControl } from "./control.ts";
import type { RollPatience } from "./crew.ts";
import { createFront, type Front, portOf } from "./front.ts";
import type { Home, StackFile } from "./home.ts";
import { clearLeftovers, type Leftovers } from "./leftovers.ts";
import type { LogFiles } from "./log-files.ts";
import { watchMemory } from "./memory.ts";
import { originMark, originOf } from "./origin.ts";
import { createPools, type Pools, type Priority } from "./pools.ts";
import { isFree } from "./ports.ts";
import { prepareDatabase } from "./prepare.ts";
import { type Program, startProgram, takeOverProgram } from "./programs.ts";
import { createRolling } from "./rolling.ts";
import { isUnchanged, type Services, serviceEnv, startServices } from "./services.ts";
import { emptyStack } from "./stack.ts";
import { obeyTargets } from "./targets.ts";
import { keepRunning, type Unit } from "./unit.ts";

/** Of a restart: a process that takes longer to work than this is taken for one that can't. */
const START_MS = 30_000;

export class PortTaken extends Error {
  override name = "PortTaken";
  constructor(port: number) {
    super(`port ${port} is taken by another program; stop that one, or set PORT to another`);
  }
}

export type ClusterOptions = {
  readonly config: Config;
  readonly home: Home;
  readonly log: Log;
  readonly logFiles: LogFiles;
  /** Environment that our processes start from. */
  readonly env: Record<string, string>;
};

export type Cluster = {
  readonly stack: StackFile;
  /** What people should know about this start. */
  readonly notes: readonly string[];
  readonly pools: Pools;
  /** Our own processes, the pools' among them. */
  programs(): Unit[];
  /** Drains and ends everything. */
  stop(): Promise<void>;
};

/** Leaves nothing running when it throws. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { home, log, env } = options;
  const origin = originOf(env);
  const before = home.read();
  const leftovers = await clearLeftovers(before, { home: home.dir, origin }, log);
  try {
    return await bringUp({ ...options, origin, before, leftovers });
  } finally {
    // One that has no place now: its pool has become smaller, say.
    await leftovers.end();
  }
}

type BringUp = ClusterOptions & { origin: string; before: StackFile | null; leftovers: Leftovers };

async function bringUp(options: BringUp): Promise<Cluster> {
  const { config, home, log, logFiles, before, leftovers } = options;
  const isPortOurs = leftovers.numbered("api").size > 0;
  if (!isPortOurs && !(await isFree(config.port))) throw new PortTaken(config.port);

  let save = () => {};
  const onChange = () => save();
  const services = await startServices({ config, home, log, leftovers, before, onChange });
  if (!isUnchanged(services.addresses, before)) await leftovers.end();
  for (const unit of services.units()) logFiles.follow(unit.name, { shown: false });

  const stack = { ...emptyStack(config, home.dir, before), ...services.addresses };
  const run = (program: Program) => runProgram(options, stack, program, onChange);
  const first = (priority: Priority) => leftovers.numbered(priority).keys();
  const pools = createPools({ run, retireMs: config.retireSeconds * 1_000, first });
  const stopWatching = watchMemory({ config, pools, log });
  const front = await createFront(config, run, leftovers);
  const back: Unit[] = [];
  let control: Control | undefined;
  const units = () => [...front.api.units(), ...front.keeper.units(), ...pools.units(), ...back];
  save = () => {
    stack.servers = services.records();
    stack.processes = recordsOf(units(), front);
    try {
      home.write(stack);
    } catch (error) {
      log.error({ error: (error as Error).message }, "stack.json can't be written");
    }
  };
  let leaveTargets = async () => {};
  const stop = async () => {
    stack.state = "stopping";
    save();
    control?.close();
    stopWatching();
    await leaveTargets();
    await stopInOrder({ config, log, front, pools, back, services });
    home.write({ ...stack, state: "stopped", supervisor: null, control: null, servers: {}, processes: {} });
  };

  try {
    save();
    await prepareDatabase(config, stack, log);
    back.push(...services.programs.map(run));
    front.api.setCount(config.apiNodes);
    front.keeper.setCount(1);
    stack.nodes = front.ports.map(port => `http://127.0.0.1:${port}`);
    const running = (priority: Priority) => leftovers.numbered(priority).size;
    leaveTargets = await obeyTargets({ config, log, stack, pools, running });
    control = openRestarts({ config, log, stack, front, pools });
    stack.control = control.url;
    stack.state = "running";
    save();
    return { stack, notes: services.notes, pools, programs: units, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function runProgram(
  { config, home, log, logFiles, env, origin, leftovers }: BringUp,
  stack: StackFile,
  program: Program,
  onChange: () => void,
): Unit {
  logFiles.follow(program.name, { shown: true });
  const baseEnv = { ...env, ...serviceEnv(stack), PORT: String(config.port), ...originMark(origin) };
  const start = () => startProgram(program, { baseEnv, home: home.dir, logDir: home.logDir });
  const left = leftovers.take(program.name);
  return keepRunning({
    name: program.name,
    start,
    log,
    onChange,
    ...(left && { first: takeOverProgram(left) }),
  });
}

function openRestarts(parts: {
  config: Config;
  log: Log;
  stack: StackFile;
  front: Front;
  pools: Pools;
}): Control {
  const { config, log, stack, front, pools } = parts;
  const patience: RollPatience = { startMs: START_MS, leaveMs: config.drainSeconds * 1_000 };
  const crews = { api: [front.api], keeper: [front.keeper], pools: pools.crews() };
  return openControl({ token: stack.stackToken, rolling: createRolling({ crews, patience, log }), log });
}

function recordsOf(units: Unit[], front: Front): StackFile["processes"] {
  const nodes = front.api.programs();
  const records = units.flatMap(unit => {
    const ref = unit.current();
    return ref
      ? [[unit.name, { pid: ref.pid, started: ref.started, port: portOf(nodes.get(unit.name)) }] as const]
      : [];
  });
  return Object.fromEntries(records);
}

async function stopInOrder(parts: {
  config: Config;
  log: Log;
  front: Front;
  pools: Pools;
  back: Unit[];
  services: Services;
}): Promise<void> {
  const patienceMs = parts.config.drainSeconds * 1_000;
  parts.log.info("draining");
  const { front, pools, back, services } = parts;
  await Promise.all([front.api, front.keeper, pools].map(one => one.stop(patienceMs)));
  await Promise.all(back.map(unit => unit.stop(patienceMs)));
  await services.stop();
  parts.log.info("stopped");
}
