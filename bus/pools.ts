/**
 * The pools as operators see them: targets of processes and why (pool-targets.ts), live workers from the registry, depth
 * and age from JetStream.
 */
import type { Sql } from "../platform/postgres/index.ts";
import { outboxByKind, type Unpublished } from "./backlog.ts";
import type { Connection } from "./connection.ts";
import { type Contract, type Priority, priorities, type Rate } from "./contracts/contract.ts";
import { contracts } from "./contracts/index.ts";
import type { Kinds, Pause } from "./kinds.ts";
import { burstOf } from "./pace.ts";
import type { PerPool, PoolPlan, PoolTargets, PoolWish } from "./pool-targets.ts";
import { percentileMs } from "./rates.ts";
import type { Registry, WorkerBeat } from "./registry.ts";
import { durableOf, streamOf } from "./topology.ts";
import { undeliveredMs } from "./undelivered.ts";

export type KindView = {
  kind: string;
  /** Jobs that could start now: in JetStream and not running, or due in the outbox. */
  waiting: number;
  running: number;
  /** Jobs that start later: delayed ones and parked retries. */
  delayed: number;
  cap: number;
  /** What is enforced of it: less during a sale. */
  capNow: number;
  rate: (Rate & { burst: number }) | null;
  /** Nothing of it starts, for one of the reasons beside it. */
  paused: boolean;
  pauses: Pause[];
  perSecond: number;
  p95Ms: number | null;
  /** How long the first job has waited that no process was given yet, in the outbox or in JetStream; null when none does. */
  oldestMs: number | null;
};

export type PoolScaling = {
  /** Processes wanted in the cluster; null: nothing is planned yet, supervisors use their configuration. */
  target: number | null;
  /** Manual: an operator set the target. */
  mode: "auto" | "manual";
  /** Bounds of the autoscaler; null until it has planned. */
  floor: number | null;
  ceiling: number | null;
  /** The age that no waiting job should reach. */
  targetAgeMs: number | null;
  /** Why the target is what it is. */
  reason: string | null;
};

export type PoolView = PoolScaling & {
  priority: Priority;
  /** All its kinds are, until it is resumed. */
  paused: boolean;
  pausedSince: string | null;
  processes: {
    worker: string;
    pid: number;
    host: string;
    busy: number;
    rssMb: number;
    cores: number;
    since: string;
    draining: boolean;
  }[];
  kinds: KindView[];
};

/** What the leading keeper decided, and when; null: none has yet. */
export type AutoscalerView = Pick<PoolPlan, "leader" | "epoch" | "at" | "decisions"> & {
  readonly hosts: ({ id: string; name: string; cores: number } & { shares: PerPool<number> })[];
};

export type PoolsView = { pools: PoolView[]; autoscaler: AutoscalerView | null };

type Sources = { connection: Connection; sql: Sql; kinds: Kinds; targets: PoolTargets; registry: Registry };

/** All pools at this moment. A number may be a second old. */
export async function viewPools(sources: Sources): Promise<PoolsView> {
  const [workers, outbox, wishes, plan] = await Promise.all([
    sources.registry.live(),
    outboxByKind(sources.sql),
    sources.targets.wishes(),
    sources.targets.plan(),
  ]);
  const pools = await Promise.all(
    priorities.map(async priority => {
      const mine = workers.filter(worker => worker.priority === priority);
      const kinds = contracts.filter(contract => contract.priority === priority);
      const { paused, since } = sources.kinds.pool(priority);
      return {
        priority,
        paused,
        pausedSince: since,
        ...scalingOf(wishes[priority], plan?.pools[priority]),
        processes: mine.map(({ kinds: _, priority: __, away: ___, ...view }) => view),
        kinds: await Promise.all(kinds.map(contract => viewKind(sources, contract, mine, outbox))),
      };
    }),
  );
  return { pools, autoscaler: plan && autoscalerView(plan) };
}

/** A wish counts before the plan follows it. */
function scalingOf(wish: PoolWish, planned: PoolPlan["pools"][Priority] | undefined): PoolScaling {
  const mode = wish.processes === null ? "auto" : "manual";
  return {
    target: wish.processes ?? planned?.total ?? null,
    mode,
    floor: wish.floor ?? planned?.floor ?? null,
    ceiling: wish.ceiling ?? planned?.ceiling ?? null,
    targetAgeMs: planned?.targetAgeMs ?? null,
    reason: planned?.mode === mode ? planned.reason : null,
  };
}

function autoscalerView({ leader, epoch, at, decisions, hosts }: PoolPlan): AutoscalerView {
  return {
    leader,
    epoch,
    at,
    decisions,
    hosts: Object.entries(hosts).map(([id, host]) => ({ id, ...host })),
  };
}

async function viewKind(
  { connection, kinds }: Sources,
  contract: Contract,
  workers: WorkerBeat[],
  outbox: Map<string, Unpublished>,
): Promise<KindView> {
  const info = await connection.jsm.consumers.info(streamOf(contract.priority), durableOf(contract.kind));
  const mine = workers.map(worker => worker.kinds[contract.kind]).filter(one => one !== undefined);
  const running = mine.reduce((sum, one) => sum + one.running, 0);
  const inStream = info.num_pending + info.num_ack_pending;
  const unpublished = outbox.get(contract.kind) ?? NOTHING;
  const { rate, paused, pauses, ...caps } = kinds.state(contract);
  const away = awayOf(contract, workers);
  return {
    kind: contract.kind,
    waiting: Math.max(0, inStream - running) + unpublished.due,
    running,
    delayed: unpublished.later,
    ...caps,
    paused: paused || (away?.everywhere ?? false),
    pauses: away ? [...pauses, away.pause] : pauses,
    rate: rate && { ...rate, burst: burstOf(rate) },
    perSecond: mine.reduce((sum, one) => sum + one.perSecond, 0),
    p95Ms: percentileMs(mine, 0.95),
    oldestMs: oldestOf(await undeliveredMs(connection, contract, info), unpublished.oldestMs),
  };
}

function oldestOf(...ages: readonly (number | null)[]): number | null {
  const known = ages.filter(age => age !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** What the processes of a kind's pool say of what it needs. */
function awayOf(
  { needs }: Contract,
  workers: readonly WorkerBeat[],
): { pause: Pause; everywhere: boolean } | null {
  const told = workers.flatMap(worker => (needs && worker.away?.[needs]) || []);
  const [first] = told.toSorted((a, b) => a.since.localeCompare(b.since));
  if (!first) return null;
  const everywhere = told.length === workers.length;
  const share = everywhere ? "" : ` (in ${told.length} of ${workers.length} processes)`;
  return {
    pause: { by: "downstream", reason: `${needs}: ${first.reason}${share}`, since: first.since },
    everywhere,
  };
}

const NOTHING: Unpublished = { due: 0, later: 0, oldestMs: null };
