/** kill -9 of one process: ours, a server, or the supervisor, which nobody but the test starts again. */
import { isAlive, type ProcessRef, type StackFile } from "../../cluster/index.ts";
import type { Fault, FaultContext, Inflicted } from "./fault.ts";

const SERVERS = ["nats", "redis", "meilisearch", "postgres"] as const;

/** Fault name → names in stack.json that it chooses from. */
const OURS: Readonly<Record<string, RegExp>> = {
  "kill worker": /^(high|normal|low)-\d+$/,
  "kill api": /^api-\d+$/,
  "kill keeper": /^keeper$/,
  "kill mailcatcher": /^mailcatcher$/,
  "kill redis-rest": /^redis-rest$/,
};

export const kills: readonly Fault[] = [
  ...Object.entries(OURS).map(([name, pattern]) => ({
    name,
    inflict: (context: FaultContext) => killOne(context, stack => matching(stack.processes, pattern)),
  })),
  ...SERVERS.map(server => ({
    name: `kill ${server}`,
    inflict: (context: FaultContext) =>
      killOne(context, stack => matching(stack.servers, new RegExp(`^${server}$`))),
  })),
  { name: "kill supervisor", inflict: killSupervisor },
];

type Named = { name: string; ref: ProcessRef };

function matching(refs: Record<string, ProcessRef | undefined>, pattern: RegExp): Named[] {
  return Object.entries(refs).flatMap(([name, ref]) => (ref && pattern.test(name) ? [{ name, ref }] : []));
}

async function killOne(
  { stack, journal, random }: FaultContext,
  candidates: (stack: StackFile) => Named[],
): Promise<Inflicted> {
  const found = candidates(stack.now()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const { name, ref } = random.pick(found);
  journal.fault(`kill -9 ${name}`);
  process.kill(ref.pid, "SIGKILL");
  const isBack = () => {
    const now = stack.now();
    const next = now.processes[name] ?? now.servers[name as keyof StackFile["servers"]];
    return next !== undefined && next.pid !== ref.pid && isAlive(next);
  };
  return { target: name, atMs: performance.now(), isBack };
}

async function killSupervisor({ stack, journal }: FaultContext): Promise<Inflicted> {
  const { pid, exited } = stack.supervisor();
  journal.fault("kill -9 supervisor");
  process.kill(pid, "SIGKILL");
  const atMs = performance.now();
  await exited;
  const restarted = stack.restartSupervisor().then(() => true);
  return { target: "supervisor", atMs, isBack: () => restarted };
}
