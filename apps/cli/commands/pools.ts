import type { AutoscalerView, KindView, PoolsView, PoolView } from "../../../bus/index.ts";
import {
  type Command,
  type Context,
  integerOption,
  type Result,
  textOption,
  UsageError,
  wholeNumber,
} from "../command.ts";
import { duration, table } from "../table.ts";

const PRIORITIES = ["high", "normal", "low"];
const MAX_PROCESSES = 1_000;
const MAX_CAP = 100_000;
const MAX_RATE = 1_000_000;

const DECISIONS_SHOWN = 5;

export function poolTable(pools: readonly PoolView[]): string {
  const rows = pools.map(({ priority, target, paused, mode, floor, ceiling, processes }) => [
    priority,
    `${target ?? "default"}${paused ? " (paused)" : ""}`,
    mode,
    floor === null || ceiling === null ? "" : `${floor}-${ceiling}`,
    processes.length,
    processes.reduce((sum, one) => sum + one.busy, 0),
    processes.reduce((sum, one) => sum + (one.cores ?? 0), 0).toFixed(1),
    `${Math.round(processes.reduce((sum, one) => sum + one.rssMb, 0))} MB`,
    processes.map(one => one.pid).join(" "),
  ]);
  const head = ["pool", "target", "mode", "bounds", "processes", "busy", "cores", "memory", "pids"];
  return table(head, rows);
}

/** Why the pools have the targets that they have, what was decided last, and who runs what. */
export function scalingText(pools: readonly PoolView[], autoscaler: AutoscalerView | null): string {
  if (!autoscaler) return "autoscaler: no keeper has decided yet";
  const reasons = pools.map(({ priority, target, targetAgeMs, reason }) => [
    priority,
    target,
    duration(targetAgeMs),
    reason,
  ]);
  const hosts = autoscaler.hosts.map(({ id, cores, shares }) => [
    id,
    cores,
    shares.high,
    shares.normal,
    shares.low,
  ]);
  const decisions = autoscaler.decisions
    .slice(0, DECISIONS_SHOWN)
    .map(({ at, priority, from, to, reason }) => [at, priority, `${from} → ${to}`, reason]);
  return [
    table(["pool", "target", "no older than", "why"], reasons),
    table(["host", "cores", "high", "normal", "low"], hosts),
    table(["decided", "pool", "change", "why"], decisions, "nothing decided yet"),
  ].join("\n\n");
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
        one.capNow === one.cap ? one.cap : `${one.capNow} of ${one.cap}`,
        one.rate ? `${one.rate.limit}/${one.rate.per}` : "",
        pausedWord(one),
        one.perSecond,
        duration(one.p95Ms),
        duration(one.oldestMs),
      ]),
  );
  const head = [
    "kind",
    "pool",
    "waiting",
    "running",
    "delayed",
    "cap",
    "rate",
    "paused",
    "per s",
    "p95",
    "oldest",
  ];
  return table(head, rows);
}

function pausedWord({ paused, pauses }: KindView): string {
  const others = pauses.map(({ by }) => by).filter(by => by !== "operator");
  const word = paused ? "yes" : pauses.length > 0 ? "in part" : "no";
  return others.length > 0 ? `${word} (${others.join(", ")})` : word;
}

function isActive(kind: KindView): boolean {
  const isQuiet = kind.waiting + kind.running + kind.delayed === 0 && kind.perSecond === 0;
  return !isQuiet || kind.pauses.some(({ by }) => by === "operator" || by === "downstream");
}

/** One line for each reason for which kinds wait, with since when; empty when none does. */
export function pauseLines(pools: readonly PoolView[]): string {
  const kinds = pools.flatMap(pool => pool.kinds).filter(one => !one.kind.startsWith("drill."));
  const said = Map.groupBy(
    kinds.flatMap(({ kind, pauses }) => pauses.map(pause => ({ kind, ...pause }))),
    ({ by, reason, since }) => `${by}: ${reason}, since ${since ?? "?"}`,
  );
  return [...said]
    .map(([line, those]) => `paused by ${line}: ${those.map(({ kind }) => kind).join(", ")}`)
    .join("\n");
}

function show(json: PoolsView, all = false): Result {
  const { pools, autoscaler } = json;
  const parts = [poolTable(pools), kindTable(pools, all), pauseLines(pools), scalingText(pools, autoscaler)];
  return { json, text: parts.filter(Boolean).join("\n\n") };
}

function poolOf([pool = ""]: readonly string[]): string {
  if (!PRIORITIES.includes(pool)) throw new UsageError(`POOL must be one of ${PRIORITIES.join(", ")}`);
  return pool;
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
    about:
      "Set the number of a pool's processes in the whole cluster; the autoscaler lets it be until `pools auto`",
    async run({ api, args }) {
      const pool = poolOf(args);
      const processes = wholeNumber(args[1]!, "PROCESSES", 0, MAX_PROCESSES);
      return show(await api.ops<PoolsView>(`/pools/${pool}`, { method: "PATCH", json: { processes } }));
    },
  },
  {
    path: ["pools", "pause"],
    args: ["POOL"],
    about: "Start no job of a pool any more; running ones finish",
    run: context => pausePool(context, true),
  },
  {
    path: ["pools", "resume"],
    args: ["POOL"],
    about: "Let a paused pool go on; kinds that were paused by themselves stay so",
    run: context => pausePool(context, false),
  },
  {
    path: ["pools", "auto"],
    args: ["POOL"],
    about: "Let the autoscaler fit a pool to its load again, between a floor and a ceiling",
    options: {
      floor: { type: "string", value: "N", about: "least processes in the whole cluster" },
      ceiling: { type: "string", value: "N", about: "most processes in the whole cluster" },
    },
    async run(context) {
      const pool = poolOf(context.args);
      const floor = integerOption(context, "floor", 0, MAX_PROCESSES);
      const ceiling = integerOption(context, "ceiling", 0, MAX_PROCESSES);
      const json = { auto: true, floor: floor ?? null, ceiling: ceiling ?? null };
      return show(await context.api.ops<PoolsView>(`/pools/${pool}`, { method: "PATCH", json }));
    },
  },
];

async function pausePool({ api, args }: Context, paused: boolean): Promise<Result> {
  return show(await api.ops<PoolsView>(`/pools/${poolOf(args)}`, { method: "PATCH", json: { paused } }));
}

type KindChange = { cap?: number; paused?: boolean; rate?: RateChange | null };
type RateChange = { limit: number; per: string; burst?: number };

/** `100/minute` → so many starts per unit; `off` → none. */
function rateOf(context: Context): RateChange | null {
  const text = context.args[1]!;
  if (text === "off") return null;
  const [, limit, per] = /^(\d+)\/(second|minute|hour)$/.exec(text) ?? [];
  if (!limit || !per) throw new UsageError("RATE must be like 100/minute (second, minute, hour), or off");
  const burst = textOption(context, "burst");
  return {
    limit: wholeNumber(limit, "RATE", 1, MAX_RATE),
    per,
    ...(burst !== undefined && { burst: wholeNumber(burst, "--burst", 1, MAX_CAP) }),
  };
}

async function change({ api, args }: Context, json: KindChange): Promise<Result> {
  const path = `/kinds/${encodeURIComponent(args[0]!)}`;
  const { pools } = await api.ops<PoolsView>(path, { method: "PATCH", json });
  const mine = pools.map(pool => ({ ...pool, kinds: pool.kinds.filter(one => one.kind === args[0]) }));
  const kind = mine.flatMap(pool => pool.kinds)[0];
  return { json: kind ?? null, text: [kindTable(mine, true), pauseLines(mine)].filter(Boolean).join("\n\n") };
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
  {
    path: ["kinds", "rate"],
    args: ["KIND", "RATE"],
    about: "Limit how many jobs of a kind start in the whole cluster, as 100/minute, or off",
    options: {
      burst: {
        type: "string",
        value: "N",
        about: "most that start at once; default: a tenth of a second's worth",
      },
    },
    run: context => change(context, { rate: rateOf(context) }),
  },
];
