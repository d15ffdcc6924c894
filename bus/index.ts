/**
 * The bus: jobs over NATS JetStream with their outbox, ledger and dead letters in Postgres (schema `bus`).
 *
 * Always holds: a job that was enqueued in a committed transaction is run at least once; it has exactly one terminal
 * row in the ledger, committed before its message is acknowledged; what can't be done or read ends in the dead letters.
 */
export { acks } from "./acks.ts";
export { type Backlog, outboxBacklog } from "./backlog.ts";
export { type Bus, type BusOptions, openBus, windowsOf } from "./bus.ts";
export {
  type Canary,
  canaryStatuses,
  continueCanary,
  getCanary,
  listCanaries,
  type NewCanary,
  startCanary,
  stepCanaries,
  stopCanary,
} from "./canary.ts";
export {
  announceCancel,
  type Cancellations,
  type CancelVerdict,
  cancelJob,
  followCancellations,
  sweepCancellations,
} from "./cancel.ts";
export { noteCause } from "./causes.ts";
export { BusUnavailable, type Connection, openConnection, splitUrl } from "./connection.ts";
export {
  type Contract,
  type Downstream,
  defineContract,
  downstreams,
  type Payload,
  type Priority,
  priorities,
  type Rate,
  type RateUnit,
  rateUnits,
  type Uniqueness,
} from "./contracts/contract.ts";
export * from "./contracts/index.ts";
export { type CronDeps, type Fired, forgetTicks, runNow, runSchedules, setSchedule } from "./cron.ts";
export { listTicks, type ScheduleView, type TickView, viewSchedules } from "./cron-views.ts";
export {
  countDead,
  type Dead,
  type DeadFilter,
  type DeadGroup,
  type DeadStatus,
  deadStatuses,
  getDead,
  groupDead,
  listDead,
  openDeadOfKeys,
} from "./dead.ts";
export { openDeadByKind } from "./dead-counts.ts";
export { startDeadProjection } from "./dead-projection.ts";
export {
  type Discard,
  discardDead,
  discardMany,
  type Replay,
  type Replayed,
  replayDead,
} from "./dead-settle.ts";
export {
  decode,
  encode,
  envelopeOf,
  MalformedMessage,
  OtherKind,
  payloadFault,
  type Received,
} from "./envelope.ts";
export { deleteErasedMessages, eraseFromJobs, eraseFromTexts } from "./erasure.ts";
export { followJob, type JobEvent } from "./follow-job.ts";
export { ghosts } from "./ghosts.ts";
export { HOST_BEAT_MS, type Host, type Hosts } from "./hosts.ts";
export { natsInvalidations } from "./invalidation-channel.ts";
export { tagOf } from "./invalidations.ts";
export type { Job, JobOf } from "./job.ts";
export type { KindSettings, KindState, Pause, PoolPause, Sale } from "./kinds.ts";
export {
  type LaneMessage,
  type LaneState,
  laneMessage,
  laneStates,
  publishToLane,
  startLane,
} from "./lanes.ts";
export { type Leadership, openLeadership } from "./leader.ts";
export {
  findJobs,
  getJob,
  type JobFilter,
  type JobStatus,
  jobStatuses,
  type LedgerJob,
  storesOfKey,
} from "./ledger.ts";
export type { KindLoad, PoolLoad } from "./load.ts";
export {
  emit,
  enqueue,
  enqueueAlone,
  type NewJob,
  type Origin,
  type OutboxRow,
  outboxRow,
  outboxRows,
} from "./outbox.ts";
export { away, discard, done, fail, type Outcome, retry, snooze } from "./outcome.ts";
export { burstOf, takeStarts } from "./pace.ts";
export { ensureLedgerPartitions, firstIdAt } from "./partitions.ts";
export {
  type PerPool,
  PlanRefused,
  type PoolDecision,
  type PoolPlan,
  type PoolTargets,
  type PoolWish,
} from "./pool-targets.ts";
export type { AutoscalerView, KindView, PoolScaling, PoolsView, PoolView } from "./pools.ts";
export { postpone } from "./postpone.ts";
export type { Progress, ProgressBoard, Reporter, Step } from "./progress.ts";
export { type Pulled, type Puller, startPull } from "./pull.ts";
export { RateWindow } from "./rates.ts";
export type { ShopEvent } from "./reactions.ts";
export { type Away, BEAT_MS, type WorkerBeat, workerId } from "./registry.ts";
export { type Relay, relayOnce, startRelay } from "./relay.ts";
export { type Releaser, startReleaser } from "./release.ts";
export { openRequestLog, type RequestLog } from "./requests.ts";
export { type HeldBack, lostJobs, type Resent, resendQueued } from "./resend.ts";
export { forgetOldJobs } from "./retention.ts";
export { type Schedule, schedules } from "./schedules.ts";
export { createSettler, type Ending, type Settled, type Settler, type Try } from "./settle.ts";
export { isDataError } from "./settle-store.ts";
export { mendStranded } from "./stranded.ts";
export {
  keptStreams,
  restoreStream,
  type SavedStream,
  StreamBackupError,
  saveStream,
} from "./stream-backup.ts";
export { tickAfter, tickBefore } from "./ticks.ts";
export { inOrder, type Timeline, type TimelineEntry, timelineOf, timelineTypes } from "./timeline.ts";
export {
  durableOf,
  filterOf,
  HEARTBEAT_MS,
  LANE_ACK_WAIT_MS,
  LANE_BATCH,
  LANES,
  streamOf,
} from "./topology.ts";
export { abandonRun, type BesideVerdict, beginBeside, beginRun, type Refusal, shareRun } from "./tries.ts";
export {
  announceReplaced,
  type Enqueued,
  type EnqueueOutcome,
  enqueueUnique,
  startUnique,
  sweepUnique,
} from "./unique.ts";
export { NewerVersion, upcast } from "./upcast.ts";
export { WINDOW, Windows, windowOf } from "./window.ts";
