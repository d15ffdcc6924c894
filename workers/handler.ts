/**
 * How a kind of job gets its handler. One file a kind in `workers/jobs/`, each exporting a {@link JobDefinition}; their
 * one list is `workers/jobs/index.ts`. `make` is called once per process, with what the process has.
 */
import type { Contract, Job, Outcome, Payload, Step } from "../bus/index.ts";
import type { Clock } from "../platform/clock.ts";
import type { Config } from "../platform/config.ts";
import type { Log } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { Db } from "../platform/postgres/index.ts";
import type { Tracer } from "../platform/tracing/index.ts";

export type WorkerDeps = {
  readonly config: Config;
  readonly sql: Db;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Absent: no traces. */
  readonly tracer?: Tracer;
};

export type JobContext = {
  /** Aborted at the kind's time-out and when a drain runs out of patience. */
  readonly signal: AbortSignal;
  /** The server's count of deliveries of this try's message; over 1 after a worker died or gave it back. */
  readonly delivery: number;
  /** A rate limit of its kind is in force. It counts jobs: one that does many things deals them out as jobs of one each. */
  readonly isLimited?: boolean;
  /** Carries job id, kind and trace id. */
  readonly log: Log;
  /**
   * Tells how far the job is, for people who watch: a part of 1, or a count. May be called at any rate, costs next to
   * nothing, and is not told for jobs that run in a batch.
   */
  progress(step: Step): void;
};

export type Handler<P = unknown> = {
  run(job: Job<P>, context: JobContext): Promise<Outcome>;
  /** Releases what the handler holds (connections, child processes); called after the drain. */
  close?(): Promise<void>;
};

export type BatchHandler<P = unknown> = {
  /** One outcome per job, in the order of `jobs`. */
  runBatch(jobs: readonly Job<P>[], context: JobContext): Promise<Outcome[]>;
  close?(): Promise<void>;
};

export type JobDefinition = {
  readonly contract: Contract;
  make(deps: WorkerDeps): Handler | BatchHandler;
};

export function defineJob<C extends Contract>(
  contract: C,
  make: (deps: WorkerDeps) => Handler<Payload<C>> | BatchHandler<Payload<C>>,
): JobDefinition {
  return { contract, make: make as JobDefinition["make"] };
}
