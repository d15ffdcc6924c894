import type { KindView, PoolView } from "../../../bus/index.ts";
import { type Command, type Context, type Result, UsageError, wholeNumber } from "../command.ts";
import { duration, table } from "../table.ts";

export type PoolsView = { pools: PoolView[] };

const PRIORITIES = ["high", "normal", "low"];
const MAX_PROCESSES = 1_000;
const MAX_CAP = 100_000;

export function poolTable(pools: readonly PoolView[]): string {
  const rows = pools.map(({ priority, target, processes }) => [
    priority,
    target ?? "default",
    processes.length,
    processes.reduce((sum, one) => sum + one.busy, 0),
    `${Math.round(processes.reduce((sum, one) => sum + one.rssMb, 0))} MB`,
    processes.map(one => one.pid).join(" "),
  ]);
  return table(["pool", "target", "processes", "busy", "memory", "pids"], rows);
}

/** Drills that have nothing to tell are left out unless `all`. */
export function kindTable(pools: readonly PoolView[], all: boolean): string {
  const rows = pools.flatMap(pool =>
    pool.kinds
      .filter(one => all || !one.kind.startsWith("drill.") || isActive(one))
      .map(one => [
        one.kind,
        pool.priority,
        one.waiting,
        one.running,
        one.delayed,
        one.cap,
        one.paused,
        one.perSecond,
        duration(one.p95Ms),
        duration(one.oldestMs),
      ]),
  );
  const head = ["kind", "pool", "waiting", "running", "delayed", "cap", "paused", "per s", "p95", "oldest"];
  return table(head, rows);
}

function isActive(kind: KindView): boolean {
  return kind.waiting + kind.running + kind.delayed > 0 || kind.paused || kind.perSecond > 0;
}

function show(json: PoolsView, all = false): Result {
  return { json, text: `${poolTable(json.pools)}\n\n${kindTable(json.pools, all)}` };
}

const all = { all: { type: "boolean", about: "show idle drills too" } } as const;

export const poolCommands: readonly Command[] = [
  {
    path: ["pools"],
    about: "Show the worker pools and what their kinds of job do",
    options: all,
    run: async ({ api, options }) => show(await api.ops<PoolsView>("/pools"), options.all === true),
  },
  {
    path: ["pools", "scale"],
    args: ["POOL", "PROCESSES"],
    about: "Set the number of a pool's processes in the whole cluster",
    async run({ api, args }) {
      const [pool = "", count = ""] = args;
      if (!PRIORITIES.includes(pool)) throw new UsageError(`POOL must be one of ${PRIORITIES.join(", ")}`);
      const processes = wholeNumber(count, "PROCESSES", 0, MAX_PROCESSES);
      return show(await api.ops<PoolsView>(`/pools/${pool}`, { method: "PATCH", json: { processes } }));
    },
  },
];

async function change({ api, args }: Context, json: { cap?: number; paused?: boolean }): Promise<Result> {
  const path = `/kinds/${encodeURIComponent(args[0]!)}`;
  const { pools } = await api.ops<PoolsView>(path, { method: "PATCH", json });
  const mine = pools.map(pool => ({ ...pool, kinds: pool.kinds.filter(one => one.kind === args[0]) }));
  const kind = mine.flatMap(pool => pool.kinds)[0];
  return { json: kind ?? null, text: kindTable(mine, true) };
}

export const kindCommands: readonly Command[] = [
  {
    path: ["kinds", "list"],
    about: "Show all kinds of job",
    async run({ api }) {
      const { pools } = await api.ops<PoolsView>("/pools");
      const kinds = pools.flatMap(({ priority, kinds }) => kinds.map(kind => ({ priority, ...kind })));
      return { json: { kinds }, text: kindTable(pools, true) };
    },
  },
  {
    path: ["kinds", "pause"],
    args: ["KIND"],
    about: "Start no job of a kind any more; running ones finish",
    run: context => change(context, { paused: true }),
  },
  {
    path: ["kinds", "resume"],
    args: ["KIND"],
    about: "Let a paused kind go on",
    run: context => change(context, { paused: false }),
  },
  {
    path: ["kinds", "cap"],
    args: ["KIND", "JOBS"],
    about: "Set how many jobs (batches) of a kind run at once in the whole cluster",
    run: context => change(context, { cap: wholeNumber(context.args[1]!, "JOBS", 1, MAX_CAP) }),
  },
];
