import type { Command, Context, Result } from "../command.ts";
import { duration, fields, table } from "../table.ts";
import { kindTable, type PoolsView, poolTable } from "./pools.ts";

type Readiness = {
  status: string;
  dependencies: { name: string; state: string; needed: boolean; ms: number }[];
};
type NodeView = { url: string; node: string | null; ready: boolean; dependencies: Readiness["dependencies"] };
type StatusView = {
  outbox: { due: number; delayed: number; oldestMs: number | null };
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

function show(api: string, nodes: NodeView[], status: StatusView, { pools }: PoolsView): string {
  const nodeRows = nodes.map(one => [
    one.node ?? "?",
    one.url,
    one.node === null ? "does not answer" : one.ready ? "ready" : "not ready",
    one.dependencies
      .filter(({ state }) => state !== "off")
      .map(({ name, state }) => `${name} ${state}`)
      .join(", "),
  ]);
  const { outbox, dead } = status;
  const oldest = outbox.oldestMs === null ? "" : `, oldest ${duration(outbox.oldestMs)}`;
  const summary = fields([
    ["API", api],
    ["outbox", `${outbox.due} waiting, ${outbox.delayed} delayed${oldest}`],
    ["dead letters", dead],
  ]);
  const nodeTable = table(["node", "address", "state", "dependencies"], nodeRows);
  return [summary, nodeTable, poolTable(pools), kindTable(pools, false)].join("\n\n");
}

export const statusCommand: Command = {
  path: ["status"],
  about:
    "Show nodes, readiness, pools, queues, outbox and dead letters; exit code 1 unless all nodes are ready",
  async run(context): Promise<Result> {
    const { api, stack } = context;
    const [status, view, nodes] = await Promise.all([
      api.ops<StatusView>("/status"),
      api.ops<PoolsView>("/pools"),
      Promise.all(stack.nodes.map(url => askNode(context, url))),
    ]);
    return {
      json: { api: stack.api, nodes, ...status, pools: view.pools },
      text: show(stack.api, nodes, status, view),
      exitCode: nodes.every(node => node.ready) ? 0 : 1,
    };
  },
};
