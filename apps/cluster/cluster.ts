/**
 * The supervisor: brings up services, database and processes in order, keeps them running, and takes them down in
 * order. `stack.json` is written at every change, so that one that is killed leaves a picture of what it started.
 *
 * Start: leftovers → port → services → migrations, store and keys → processes → pools by their targets.
 * Stop: API nodes, pools and keeper drain side by side (what they leave undone is in Postgres or in the queue), then
 * Redis front and mail catcher, then the servers, Postgres last.
 */
import type { Config } from "../../platform/config.ts";
import type { Log } from "../../platform/log.ts";
import type { Home, StackFile } from "./home.ts";
import { clearLeftovers } from "./leftovers.ts";
import type { LogFiles } from "./log-files.ts";
import { watchMemory } from "./memory.ts";
import { createPools, type Pools } from "./pools.ts";
import { freePort, isFree } from "./ports.ts";
import { prepareDatabase } from "./prepare.ts";
import { type Program, startProgram } from "./programs.ts";
import { type Services, serviceEnv, startServices } from "./services.ts";
import { emptyStack } from "./stack.ts";
import { obeyTargets } from "./targets.ts";
import { keepRunning, type Unit } from "./unit.ts";

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
  const { config, home, log, logFiles } = options;
  const before = home.read();
  const leftovers = await clearLeftovers(before, home.dir, log);
  if (!(await isFree(config.port))) throw new PortTaken(config.port);

  let save = () => {};
  const onChange = () => save();
  const services = await startServices({ config, home, log, leftovers, onChange });
  for (const unit of services.units()) logFiles.follow(unit.name, { shown: false });

  const stack = { ...emptyStack(config, home.dir, before), ...services.addresses };
  const run = (program: Program) => runProgram(options, stack, program, onChange);
  const pools = createPools({ run, retireMs: config.retireSeconds * 1_000 });
  const stopWatching = watchMemory({ config, pools, log });
  const [front, back]: [Unit[], Unit[]] = [[], []];
  const units = () => [...front, ...pools.units(), ...back];
  save = () => {
    stack.servers = services.records();
    stack.processes = recordsOf(units(), ports);
    try {
      home.write(stack);
    } catch (error) {
      log.error({ error: (error as Error).message }, "stack.json can't be written");
    }
  };
  const ports = new Map<string, number>();
  let leaveTargets = async () => {};
  const stop = async () => {
    stack.state = "stopping";
    save();
    stopWatching();
    await leaveTargets();
    await stopInOrder({ config, log, front, pools, back, services });
    home.write({ ...stack, state: "stopped", supervisor: null, servers: {}, processes: {} });
  };

  try {
    save();
    await prepareDatabase(config, stack);
    back.push(...services.programs.map(run));
    for (const program of await nodePrograms(config, ports)) front.push(run(program));
    front.push(run({ name: "keeper", entry: "apps/keeper/main.ts", env: {} }));
    stack.nodes = [...ports.values()].map(port => `http://127.0.0.1:${port}`);
    leaveTargets = await obeyTargets({ config, log, stack, pools });
    stack.state = "running";
    save();
    return { stack, notes: services.notes, pools, programs: units, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function runProgram(
  { config, home, log, logFiles, env }: ClusterOptions,
  stack: StackFile,
  program: Program,
  onChange: () => void,
): Unit {
  logFiles.follow(program.name, { shown: true });
  const baseEnv = { ...env, ...serviceEnv(stack), PORT: String(config.port) };
  const start = () => startProgram(program, { baseEnv, home: home.dir, logDir: home.logDir });
  return keepRunning({ name: program.name, start, log, onChange });
}

/** A node keeps its port when it is started again: stack.json and balancers name it. */
async function nodePrograms(config: Config, ports: Map<string, number>): Promise<Program[]> {
  const programs: Program[] = [];
  for (let number = 1; number <= config.apiNodes; number++) {
    const name = `api-${number}`;
    const port = await freePort();
    ports.set(name, port);
    programs.push({ name, entry: "apps/api/main.ts", env: { TRADEWIND_NODE_PORT: String(port) } });
  }
  return programs;
}

function recordsOf(units: Unit[], ports: Map<string, number>): StackFile["processes"] {
  const records = units.flatMap(unit => {
    const ref = unit.current();
    return ref
      ? [[unit.name, { pid: ref.pid, started: ref.started, port: ports.get(unit.name) }] as const]
      : [];
  });
  return Object.fromEntries(records);
}

async function stopInOrder(parts: {
  config: Config;
  log: Log;
  front: Unit[];
  pools: Pools;
  back: Unit[];
  services: Services;
}): Promise<void> {
  const patienceMs = parts.config.drainSeconds * 1_000;
  parts.log.info("draining");
  await Promise.all([...parts.front.map(unit => unit.stop(patienceMs)), parts.pools.stop(patienceMs)]);
  await Promise.all(parts.back.map(unit => unit.stop(patienceMs)));
  await parts.services.stop();
  parts.log.info("stopped");
}
