/**
 * The bus: jobs over NATS JetStream with their outbox, ledger and dead letters in Postgres (schema `bus`).
 *
 * Always holds: a job that was enqueued in a committed transaction is run at least once; it has exactly one terminal
 * row in the ledger, committed before its message is acknowledged; what can't be done or read ends in the dead letters.
 */

export type { Bus } from "./bus.ts";
export {
  type Contract,
  defineContract,
  type Payload,
  type Priority,
  priorities,
} from "./contracts/contract.ts";
export * from "./contracts/index.ts";
export type { Job, JobOf } from "./job.ts";
export { emit, enqueue, type NewJob, type Origin, type OutboxRow, outboxRow, outboxRows } from "./outbox.ts";
export { discard, done, fail, type Outcome, retry } from "./outcome.ts";
export type { ShopEvent } from "./reactions.ts";
