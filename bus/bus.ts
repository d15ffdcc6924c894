/**
 * The bus as processes hold it that cause jobs and look after them (API nodes, keepers, tools). Opens at once; what
 * needs NATS throws BusUnavailable until the first connection stands, and `poke` is silent.
 */
import type { Log } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Db } from "../platform/postgres/index.ts";
import { answered } from "./answered.ts";
import { BusUnavailable, type Connection, openConnection } from "./connection.ts";
import type { Contract, Priority } from "./contracts/contract.ts";
import { type Hosts, openHosts } from "./hosts.ts";
import {
  type KindSettings,
  type KindState,
  type Kinds,
  openKinds,
  type PoolPause,
  type Sale,
} from "./kinds.ts";
import { measureLoad, type PoolLoad } from "./load.ts";
import { openPoolTargets, type PerPool, type PoolTargets, type PoolWish } from "./pool-targets.ts";
import { type PoolsView, viewPools } from "./pools.ts";
import { answerMetrics, createMetricsCollector, type MetricsScope } from "./process-metrics.ts";
import { openProgress, type ProgressBoard } from "./progress.ts";
import { openRegistry, type Registry } from "./registry.ts";
import { applyCap, ensureTopology, signals } from "./topology.ts";
import { untilReady } from "./until-ready.ts";
import { Windows } from "./window.ts";

export type Bus = {
  readonly connection: Connection;
  /** Resolves when NATS is connected and the topology stands. */
  readonly ready: Promise<void>;
  readonly isConnected: boolean;
  /** Tells the keepers that outbox rows were committed; without it they notice within 100 ms. Never throws. */
  poke(): void;
  /** Milliseconds of a round trip to the server. @throws BusUnavailable */
  ping(): Promise<number>;
  readonly kinds: Kinds;
  readonly targets: PoolTargets;
  readonly registry: Registry;
  readonly hosts: Hosts;
  readonly progress: ProgressBoard;
  /** @throws BusUnavailable, as the next ones; what was asked for may still come true then. */
  setKind(contract: Contract, change: KindSettings): Promise<KindState>;
  pausePool(priority: Priority, paused: boolean): Promise<PoolPause>;
  /** Whether there is a sale, as far as this process knows; false before the bus is ready. */
  readonly isSale: boolean;
  /** Begins or ends a sale: low waits, normal is narrowed, nodes admit fewer at once. */
  setSale(on: boolean): Promise<Sale>;
  /** Makes the server enforce a cap that TW_KINDS holds already. */
  applyCap(contract: Contract, cap: number): Promise<void>;
  /** What operators want of the pools. */
  poolWishes(): Promise<PerPool<PoolWish>>;
  /** Changes what an operator wants of a pool; `processes` null gives it back to the autoscaler. */
  setPool(priority: Priority, change: Partial<PoolWish>): Promise<PoolWish>;
  viewPools(): Promise<PoolsView>;
  measureLoad(): Promise<PerPool<PoolLoad>>;
  /** Prometheus values of this host's processes (default) or of all, for `mergeMetrics`. */
  collectMetrics(scope?: MetricsScope): Promise<unknown[][]>;
  close(): Promise<void>;
};

type Opened = { kinds: Kinds; targets: PoolTargets; registry: Registry; hosts: Hosts };

export type BusOptions = {
  url: string;
  name: string;
  log: Log;
  sql: Db;
  /** Answers `collectMetrics` of other processes when given. */
  metrics?: Metrics;
  /** Copies of each stream and bucket; default 1, 3 in a cluster of servers. */
  replicas?: number;
};

export function openBus(options: BusOptions): Bus {
  const connection = openConnection(options);
  const collectMetrics = createMetricsCollector(connection);
  let opened: Opened | undefined;
  let closed = false;

  async function open(): Promise<void> {
    await connection.ready;
    const again = { log: options.log, isOver: () => closed };
    const kinds = await untilReady(again, () => openKinds(connection));
    const topology = {
      replicas: connection.replicas,
      capOf: (contract: Contract) => kinds.state(contract).capNow,
    };
    await untilReady(again, () => ensureTopology(connection.jsm, topology));
    const targets = await untilReady(again, () => openPoolTargets(connection));
    const registry = await untilReady(again, () => openRegistry(connection));
    const hosts = await untilReady(again, () => openHosts(connection));
    if (options.metrics) answerMetrics(connection, options.metrics);
    opened = { kinds, targets, registry, hosts };
  }
  const ready = open();
  ready.catch(error => options.log.error({ err: error }, "the bus did not open"));

  const need = (): Opened => {
    if (!opened) throw new BusUnavailable();
    return opened;
  };
  return {
    connection,
    ready,
    progress: openProgress(connection),
    get isConnected() {
      return connection.connected;
    },
    poke: sparingly(() => {
      if (connection.connected) connection.nc.publish(signals.outbox);
    }),
    ping: () => answered(connection, () => connection.nc.rtt()),
    get kinds() {
      return need().kinds;
    },
    get targets() {
      return need().targets;
    },
    get registry() {
      return need().registry;
    },
    get hosts() {
      return need().hosts;
    },
    setKind: (contract, change) => answered(connection, () => need().kinds.set(contract, change)),
    pausePool: (priority, paused) => answered(connection, () => need().kinds.pausePool(priority, paused)),
    get isSale() {
      return opened?.kinds.sale.on ?? false;
    },
    setSale: on => answered(connection, () => need().kinds.setSale(on)),
    applyCap: (contract, cap) => applyCap(connection.jsm, contract, cap),
    poolWishes: () => answered(connection, () => need().targets.wishes()),
    setPool: (priority, change) => answered(connection, () => need().targets.setWish(priority, change)),
    measureLoad: () => answered(connection, () => measureLoad({ connection, sql: options.sql, ...need() })),
    viewPools: () => answered(connection, () => viewPools({ connection, sql: options.sql, ...need() })),
    collectMetrics: (scope = "host") => collectMetrics(scope),
    async close() {
      closed = true;
      opened?.kinds.close();
      await connection.close();
    },
  };
}

/** Between two pokes of a process: a relay that was just woken takes what came meanwhile as well. */
const POKE_MS = 5;

/** Calls `poke` at once, and for all calls of the next {@link POKE_MS} together once more after them. */
function sparingly(poke: () => void): () => void {
  let resting = false;
  let again = false;
  const rest = () => {
    resting = true;
    setTimeout(() => {
      resting = false;
      if (!again) return;
      again = false;
      poke();
      rest();
    }, POKE_MS).unref();
  };
  return () => {
    if (resting) {
      again = true;
      return;
    }
    poke();
    rest();
  };
}

/** The release windows of a process that publishes jobs. */
export function windowsOf({ connection, registry }: Bus): Windows {
  return new Windows({
    connection,
    async running(kind) {
      const workers = await registry.live();
      return workers.reduce((sum, { kinds }) => sum + (kinds[kind]?.running ?? 0), 0);
    },
  });
}
