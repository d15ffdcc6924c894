/**
 * Streams, consumers and buckets as one readable table, and the step at start that makes a server agree with it.
 *
 * | stream | subjects                    | keeps                | why                                                  |
 * | ------ | --------------------------- | -------------------- | ---------------------------------------------------- |
 * | HIGH   | high.<kind>.<store>         | until acknowledged   | a stream per priority: 500,000 low jobs do not touch |
 * | NORMAL | normal.<kind>.<store>       | until acknowledged   | the latency of a high one                            |
 * | LOW    | low.<kind>.<store>          | until acknowledged   |                                                      |
 * | DEAD   | dead.<kind>                 | 30 days              | the truth of dead letters; Postgres has a projection |
 * | FLASH  | flash.<lane>                | until acknowledged   | checkouts that wait for stock, in order (lanes.ts)   |
 *
 * | bucket     | key      | holds                                            | kept        |
 * | ---------- | -------- | ------------------------------------------------ | ----------- |
 * | TW_KINDS   | kind     | what operators set (kinds.ts)                    | always      |
 * | TW_POOLS   | priority | an operator's wish of processes, floor, ceiling  | always      |
 * |            | plan     | totals of processes and each host's share        | always      |
 * | TW_HOSTS   | host     | what a live supervisor has (hosts.ts)            | 15 seconds  |
 * | TW_WORKERS | worker   | a live process's heartbeat (registry.ts)         | ten seconds |
 * | TW_PROGRESS | job     | how far a running job is (progress.ts)           | 15 minutes  |
 *
 * One durable consumer per kind, named after it with `_` for `.`. `max_deliver` stays -1 (a message at the server's
 * limit would lie in the stream outside every count) and there is no server-side back-off: tries are counted by us.
 * Every process may run {@link ensureTopology}; the calls are idempotent and an operator's cap is never overwritten.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "nats";
import type { Contract, Priority } from "./contracts/contract.ts";
import { contracts } from "./contracts/index.ts";

const DAY_MS = 86_400_000;
/** How long the server remembers a message id. A relay that crashed repeats its publishes well within it. */
const DUPLICATE_WINDOW_MS = 120_000;

/** A dead worker's messages come back after this long; the living send heartbeats every {@link HEARTBEAT_MS}. */
export const ACK_WAIT_MS = 4_000;
export const HEARTBEAT_MS = 1_300;

export const DEAD_STREAM = "DEAD";
export const DEAD_PROJECTION = "projection";
export const buckets = {
  kinds: "TW_KINDS",
  pools: "TW_POOLS",
  workers: "TW_WORKERS",
  hosts: "TW_HOSTS",
  progress: "TW_PROGRESS",
} as const;

export const FLASH_STREAM = "FLASH";
/** Lanes of the FLASH stream, each with a durable and, at any time, one process that serves it. */
export const LANES = 8;
/** What one statement takes of a lane. */
export const LANE_BATCH = 1_000;
/** All that is delivered at once: one batch is served while the next is on its way. */
export const LANE_AHEAD = 2 * LANE_BATCH;
/** A batch whose process died comes back after this long. */
export const LANE_ACK_WAIT_MS = 3_000;

export const laneDurable = (lane: number): string => `lane_${lane}`;
export const laneSubject = (lane: number): string => `flash.${lane}`;

/** Core NATS subjects; nothing on them has to arrive. */
export const signals = {
  outbox: "tw.outbox",
  cancel: "tw.cancel",
  invalidated: "tw.invalidated",
  metrics: (host: string) => `tw.metrics.${host}`,
  allMetrics: "tw.metrics",
} as const;

export function streamOf(priority: Priority): string {
  return priority.toUpperCase();
}

export function durableOf(kind: string): string {
  return kind.replaceAll(".", "_");
}

export function subjectOf(job: { priority: string; kind: string; storeId: string }): string {
  return `${job.priority}.${job.kind}.${job.storeId}`;
}

export function filterOf(contract: Contract): string {
  return `${contract.priority}.${contract.kind}.*`;
}

/** What the server enforces for a cap of `cap` running jobs or batches. */
export function maxAckPending(contract: Contract, cap: number): number {
  return cap * (contract.batch?.max ?? 1);
}

const streams: readonly (Partial<StreamConfig> & { name: string })[] = [
  ...(["high", "normal", "low"] as const).map(priority => ({
    name: streamOf(priority),
    subjects: [`${priority}.>`],
    retention: RetentionPolicy.Workqueue,
  })),
  {
    name: DEAD_STREAM,
    subjects: ["dead.>"],
    retention: RetentionPolicy.Limits,
    max_age: nanos(30 * DAY_MS),
  },
  { name: FLASH_STREAM, subjects: ["flash.*"], retention: RetentionPolicy.Workqueue },
];

/** Their names. */
export const topologyStreams: readonly string[] = streams.map(({ name }) => name);

const lanes: readonly (Partial<ConsumerConfig> & { durable_name: string })[] = Array.from(
  { length: LANES },
  (_, lane) => ({
    durable_name: laneDurable(lane),
    filter_subject: laneSubject(lane),
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(LANE_ACK_WAIT_MS),
    max_ack_pending: LANE_AHEAD,
    max_deliver: -1,
  }),
);

function consumerOf(contract: Contract, cap: number): Partial<ConsumerConfig> & { durable_name: string } {
  return {
    durable_name: durableOf(contract.kind),
    filter_subject: filterOf(contract),
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: maxAckPending(contract, cap),
    max_deliver: -1,
  };
}

const projection: Partial<ConsumerConfig> & { durable_name: string } = {
  durable_name: DEAD_PROJECTION,
  ack_policy: AckPolicy.Explicit,
  deliver_policy: DeliverPolicy.All,
  ack_wait: nanos(30_000),
  max_ack_pending: 1_000,
  max_deliver: -1,
};

export type TopologyOptions = {
  /** Copies of each stream; 3 in a cluster of servers. */
  replicas: number;
  /** The cap in force of a kind: the operator's, else the contract's. */
  capOf(contract: Contract): number;
};

/** Makes streams and consumers agree with the table. */
export async function ensureTopology(jsm: JetStreamManager, options: TopologyOptions): Promise<void> {
  for (const stream of streams) await ensureStream(jsm, stream, options.replicas);
  await ensureConsumer(jsm, DEAD_STREAM, projection);
  await Promise.all(lanes.map(lane => ensureConsumer(jsm, FLASH_STREAM, lane)));
  await Promise.all(
    contracts.map(contract =>
      ensureConsumer(jsm, streamOf(contract.priority), consumerOf(contract, options.capOf(contract))),
    ),
  );
}

async function ensureStream(
  jsm: JetStreamManager,
  stream: Partial<StreamConfig> & { name: string },
  replicas: number,
): Promise<void> {
  const config = {
    storage: StorageType.File,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    num_replicas: replicas,
    ...stream,
  };
  const exists = await jsm.streams.info(stream.name).catch(onlyMissing);
  if (!exists) await jsm.streams.add(config);
  else if (exists.config.num_replicas !== replicas || exists.config.max_age !== (stream.max_age ?? 0)) {
    await jsm.streams.update(stream.name, config);
  }
}

async function ensureConsumer(
  jsm: JetStreamManager,
  stream: string,
  wanted: Partial<ConsumerConfig> & { durable_name: string },
): Promise<void> {
  const info = await jsm.consumers.info(stream, wanted.durable_name).catch(onlyMissing);
  if (!info) await jsm.consumers.add(stream, wanted);
  else if (
    info.config.max_ack_pending !== wanted.max_ack_pending ||
    info.config.ack_wait !== wanted.ack_wait ||
    info.config.filter_subject !== wanted.filter_subject
  ) {
    await jsm.consumers.update(stream, wanted.durable_name, wanted);
  }
}

export async function consumersOf(jsm: JetStreamManager, stream: string): Promise<ConsumerInfo[]> {
  const found: ConsumerInfo[] = [];
  for await (const info of jsm.consumers.list(stream)) found.push(info);
  return found;
}

/** Applies a live cap; the server enforces it over all processes. */
export async function applyCap(jsm: JetStreamManager, contract: Contract, cap: number): Promise<void> {
  await ensureConsumer(jsm, streamOf(contract.priority), consumerOf(contract, cap));
}

/** For `catch`: null for what JetStream does not have; whatever else it is goes on. */
export function onlyMissing(error: unknown): null {
  const code = (error as { api_error?: { code?: number } }).api_error?.code;
  if (code === 404) return null;
  throw error;
}
