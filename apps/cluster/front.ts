/** API nodes and keeper of this host: two crews whose numbers stay as the settings say. */
import type { Config } from "../../platform/config.ts";
import { type Crew, createCrew } from "./crew.ts";
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
export async function createFront(config: Config, run: (program: Program) => Unit): Promise<Front> {
  const ports: number[] = [];
  while (ports.length < config.apiNodes) ports.push(await freePort());
  const leave = { patienceMs: config.drainSeconds * 1_000 };
  const api = createCrew({
    run,
    leave: { ...leave, signal: SUCCEEDED },
    program: (number, before) => ({
      name: `api-${number}`,
      entry: "apps/api/main.ts",
      env: before?.env ?? { [PORT]: String(ports[number - 1]) },
    }),
  });
  const keeper = createCrew({
    run,
    leave,
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
