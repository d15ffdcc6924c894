/**
 * What waits and what gets done, per pool, as the autoscaler needs it each second: a handful of calls whatever the
 * number of kinds, and a bounded look at the outbox. Views for people are in pools.ts.
 */
import type { ConsumerInfo } from "nats";
import type { Sql } from "../platform/postgres/index.ts";
import type { Connection } from "./connection.ts";
import type { Contract } from "./contracts/contract.ts";
import { priorities } from "./contracts/contract.ts";
import { contracts } from "./contracts/index.ts";
import type { Kinds } from "./kinds.ts";
import { intervalMs } from "./pace.ts";
import type { PerPool } from "./pool-targets.ts";
import { meanMs } from "./rates.ts";
import type { Registry, WorkerBeat } from "./registry.ts";
import { durableOf, streamOf } from "./topology.ts";
import { undeliveredMs } from "./undelivered.ts";

/** Due rows of the outbox beyond these are not counted: that many call for more processes anyway. */
const OUTBOX_LOOK = 20_000;

export type KindLoad = {
  readonly contract: Contract;
  /** Jobs that could start if there were a process for them. */
  readonly waiting: number;
  readonly running: number;
  /** How long the first of the waiting ones has waited; null when none waits. */
  readonly oldestMs: number | null;
  /** Jobs that ended, over the last ten seconds. */
  readonly perSecond: number;
  /** Mean duration of those; null without any. */
  readonly meanMs: number | null;
  readonly cap: number;
  /** What a rate limit lets through; null: no limit. */
  readonly startsPerSecond: number | null;
};

export type PoolLoad = {
  /** Processes that take jobs. */
  readonly processes: number;
  /** Cores that the busy ones use, each; null while none is busy. */
  readonly coresPerProcess: number | null;
  readonly kinds: readonly KindLoad[];
};

type Sources = { connection: Connection; sql: Sql; kinds: Kinds; registry: Registry };
type Due = { count: number; oldestMs: number };
const NOTHING_DUE: Due = { count: 0, oldestMs: 0 };

export async function measureLoad(sources: Sources): Promise<PerPool<PoolLoad>> {
  const [workers, due] = await Promise.all([sources.registry.live(), dueRows(sources.sql)]);
  const pools = priorities.map(async priority => {
    const mine = workers.filter(worker => worker.priority === priority && !worker.draining);
    const infos = await consumersOf(sources.connection, streamOf(priority));
    const kinds = contracts.filter(contract => contract.priority === priority);
    const loads = kinds.map(contract =>
      loadOf(sources, contract, infos.get(durableOf(contract.kind)), mine, due.get(contract.kind)),
    );
    return [
      priority,
      { processes: mine.length, coresPerProcess: coresOf(mine), kinds: await Promise.all(loads) },
    ];
  });
  return Object.fromEntries(await Promise.all(pools));
}

async function consumersOf(connection: Connection, stream: string): Promise<Map<string, ConsumerInfo>> {
  const infos = new Map<string, ConsumerInfo>();
  for await (const info of connection.jsm.consumers.list(stream)) infos.set(info.name, info);
  return infos;
}

async function loadOf(
  { connection, kinds }: Sources,
  contract: Contract,
  info: ConsumerInfo | undefined,
  workers: readonly WorkerBeat[],
  due = NOTHING_DUE,
): Promise<KindLoad> {
  const { capNow, rate, ...state } = kinds.state(contract);
  // What no worker can do because what it needs is away waits for that, not for more workers.
  const isAway =
    workers.length > 0 && workers.every(worker => contract.needs && worker.away?.[contract.needs]);
  const paused = state.paused || isAway;
  const beats = workers.flatMap(worker => worker.kinds[contract.kind] ?? []);
  const running = sum(beats.map(beat => beat.running));
  const inStream = info ? info.num_pending + info.num_ack_pending : 0;
  // Where workers have taken all that the stream has, the outbox waits for a keeper, not for more workers.
  const unpublished = info?.num_pending || workers.length === 0 ? due : NOTHING_DUE;
  const waiting = paused ? 0 : Math.max(0, inStream - running) + unpublished.count;
  const undelivered = paused || !info ? null : await undeliveredMs(connection, contract, info);
  return {
    contract,
    waiting,
    running,
    oldestMs: waiting > 0 ? Math.max(undelivered ?? 0, unpublished.oldestMs) : null,
    perSecond: sum(beats.map(beat => beat.perSecond)),
    meanMs: meanMs(beats),
    cap: capNow,
    startsPerSecond: rate && 1_000 / intervalMs(rate),
  };
}

function coresOf(workers: readonly WorkerBeat[]): number | null {
  const busy = workers.filter(worker => worker.busy > 0);
  return busy.length === 0 ? null : sum(busy.map(worker => worker.cores)) / busy.length;
}

async function dueRows(sql: Sql): Promise<Map<string, Due>> {
  const rows = await sql<({ kind: string } & Due)[]>`
    SELECT kind, count(*) AS count, (extract(epoch FROM now() - min(due_at)) * 1000)::bigint AS "oldestMs"
    FROM ((SELECT kind, due_at FROM bus.outbox WHERE NOT held AND due_at <= now() ORDER BY due_at LIMIT ${OUTBOX_LOOK})
          UNION ALL (SELECT kind, due_at FROM bus.outbox WHERE held LIMIT ${OUTBOX_LOOK})) AS due
    WHERE due_at <= now() GROUP BY kind`;
  return new Map(rows.map(({ kind, ...due }) => [kind, due]));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
