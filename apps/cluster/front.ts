/** API nodes and keeper of this host: two crews whose numbers stay as the settings say. */
import type { Config } from "../../platform/config.ts";
import { type Crew, createCrew } from "./crew.ts";
import type { Leftovers } from "./leftovers.ts";
import { freePort } from "./ports.ts";
import type { Program } from "./programs.ts";
import type { Unit } from "./unit.ts";

export type Front = { readonly api: Crew; readonly keeper: Crew; readonly ports: readonly number[] };

const PORT = "TRADEWIND_NODE_PORT";

/** Tells a node that a successor listens. */
const SUCCEEDED = "SIGUSR2";

/**
 * Nothing of it runs yet. Nodes have ports that stay: a node that is started again keeps its own, and a successor has it
 * together with the node before until that has left; stack.json and balancers name them.
 */
export async function createFront(
  config: Config,
  run: (program: Program) => Unit,
  leftovers: Leftovers,
): Promise<Front> {
  // Of two on one port one is the successor of the other: the one with the higher number.
  const byPort = new Map([...leftovers.numbered("api")].map(([number, { port }]) => [port!, number]));
  const taken = new Map([...byPort].slice(0, config.apiNodes).map(([port, number]) => [number, port]));
  const fresh: number[] = [];
  while (taken.size + fresh.length < config.apiNodes) fresh.push(await freePort());
  const ports = [...taken.values(), ...fresh];
  const leave = { patienceMs: config.drainSeconds * 1_000 };
  const api = createCrew({
    run,
    leave: { ...leave, signal: SUCCEEDED },
    first: taken.keys(),
    program: (number, before) => ({
      name: `api-${number}`,
      entry: "apps/api/main.ts",
      env: before?.env ?? { [PORT]: String(taken.get(number) ?? fresh.shift()) },
    }),
  });
  const keeper = createCrew({
    run,
    leave,
    first: leftovers.has("keeper") ? [1] : leftovers.numbered("keeper").keys(),
    program: number => ({
      name: number === 1 ? "keeper" : `keeper-${number}`,
      entry: "apps/keeper/main.ts",
      env: {},
    }),
  });
  return { api, keeper, ports };
}

/** The own port of an API node. */
export function portOf(program: Program | undefined): number | undefined {
  return program?.env[PORT] === undefined ? undefined : Number(program.env[PORT]);
}
