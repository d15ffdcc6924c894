import type { PoolsView } from "../../../bus/index.ts";
import { CliError, type Command, type Context, type Result } from "../command.ts";
import { duration, fields, table } from "../table.ts";
import { kindTable, pauseLines, poolTable } from "./pools.ts";

type Readiness = {
  status: string;
  dependencies: { name: string; state: string; needed: boolean; ms: number }[];
};
type NodeView = { url: string; node: string | null; ready: boolean; dependencies: Readiness["dependencies"] };
type StatusView = {
  outbox: { due: number; held: number; delayed: number; oldestMs: number | null };
  dead: number;
  busConnected: boolean;
};

async function askNode({ api }: Context, url: string): Promise<NodeView> {
  try {
    const { status, body, headers } = await api.open(`${url}/readyz`);
    const dependencies = (body as Readiness | null)?.dependencies ?? [];
    return { url, node: headers.get("x-node"), ready: status === 200, dependencies };
  } catch {
    return { url, node: null, ready: false, dependencies: [] };
  }
}

/** Null for what can't be told now; a refusal for another reason is the caller's to see. */
async function answered<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof CliError && error.code === "unavailable") return null;
    throw error;
  }
}

function summaryOf(api: string, status: StatusView | null): string {
  if (!status) {
    return fields([
      ["API", api],
      ["outbox", "not known: the database does not answer"],
    ]);
  }
  const { outbox, dead } = status;
  const oldest = outbox.oldestMs === null ? "" : `, oldest ${duration(outbox.oldestMs)}`;
  return fields([
    ["API", api],
    ["outbox", `${outbox.due} waiting, ${outbox.held} held, ${outbox.delayed} delayed${oldest}`],
    ["dead letters", dead],
  ]);
}

function show(api: string, nodes: NodeView[], status: StatusView | null, view: PoolsView | null): string {
  const nodeRows = nodes.map(one => [
    one.node ?? "?",
    one.url,
    one.node === null ? "does not answer" : one.ready ? "ready" : "not ready",
    one.dependencies
      .filter(({ state }) => state !== "off")
      .map(({ name, state }) => `${name} ${state}`)
      .join(", "),
  ]);
  const nodeTable = table(["node", "address", "state", "dependencies"], nodeRows);
  const pools = view
    ? [poolTable(view.pools), kindTable(view.pools, false), pauseLines(view.pools)].filter(Boolean)
    : ["pools: not known, NATS or the database does not answer"];
  return [summaryOf(api, status), nodeTable, ...pools].join("\n\n");
}

export const statusCommand: Command = {
  path: ["status"],
  about:
    "Show nodes, readiness, pools, queues, outbox and dead letters; exit code 1 unless all nodes are ready",
  async run(context): Promise<Result> {
    const { api, stack } = context;
    // When a service is away this command is needed most: it shows the parts that do answer.
    const [status, view, nodes] = await Promise.all([
      answered(api.ops<StatusView>("/status")),
      answered(api.ops<PoolsView>("/pools")),
      Promise.all(stack.nodes.map(url => askNode(context, url))),
    ]);
    const isWell = status !== null && view !== null && nodes.every(node => node.ready);
    return {
      json: { api: stack.api, nodes, ...status, pools: view?.pools ?? null },
      text: show(stack.api, nodes, status, view),
      exitCode: isWell ? 0 : 1,
    };
  },
};
