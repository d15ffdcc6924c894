/** SIGSTOP for some seconds: what is slow beyond reason is harder to deal with than what is dead. */
import { isAlive, type ProcessRef } from "../../cluster/index.ts";
import type { Fault, FaultContext, Inflicted } from "./fault.ts";

const STOPPED_MS = [1_000, 6_000] as const;
const STOPPABLE = /^((high|normal|low|api)-\d+|keeper|mailcatcher|nats|redis|meilisearch|postgres)$/;

export const stops: readonly Fault[] = [
  { name: "stop", inflict },
  { name: "stop another", inflict },
];

async function inflict({ stack, journal, random }: FaultContext): Promise<Inflicted> {
  const { processes, servers } = stack.now();
  const all: [string, ProcessRef | undefined][] = [...Object.entries(processes), ...Object.entries(servers)];
  const found = all.filter(([name]) => STOPPABLE.test(name)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const [name, ref] = random.pick(found);
  const ms = random.between(...STOPPED_MS);
  journal.fault(`SIGSTOP ${name} for ${ms} ms`);
  send(ref!, "SIGSTOP");
  await Bun.sleep(ms);
  send(ref!, "SIGCONT");
  journal.fault(`SIGCONT ${name}`);
  return { target: `stop ${name} for ${ms} ms`, atMs: performance.now(), isBack: () => true };
}

function send(ref: ProcessRef, signal: NodeJS.Signals): void {
  if (isAlive(ref)) process.kill(ref.pid, signal);
}
