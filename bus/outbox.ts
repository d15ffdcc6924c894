/**
 * The transactional outbox. A change and the jobs that follow from it commit together; keepers publish the rows to
 * JetStream (relay.ts). A row is a message to be published not before `due_at`: delayed jobs and parked retries are
 * rows too.
 *
 * Crash story: before commit neither change nor rows exist; after it the rows stay until a PubAck was seen, and a row
 * that was published but not yet deleted is published again under the same message id.
 */
import { groupedBy } from "../platform/grouped.ts";
import { type Db, isRefusedStatement, retried, type Sql } from "../platform/postgres/index.ts";
import { newTraceparent } from "../platform/trace.ts";
import { noteCause } from "./causes.ts";
import type { Contract, Payload, Uniqueness } from "./contracts/contract.ts";
import { type Invalidation, invalidationsOf } from "./invalidations.ts";
import { reactionsTo, type ShopEvent } from "./reactions.ts";

/** Where jobs come from: their store, and the trace of the request or job that caused them. */
export type Origin = { storeId: string; traceparent?: string | undefined };

/** One row of `bus.outbox`, in the form that the SQL function `bus.enqueue(jsonb)` takes. */
export type OutboxRow = {
  id: string;
  kind: string;
  version: number;
  priority: string;
  store_id: string;
  key: string;
  attempt: number;
  payload: unknown;
  traceparent: string;
  delay_ms: number;
  unique?: { key: string; mode: string; until: string; maxWaitMs?: number };
};

export type NewJob<C extends Contract = Contract> = Origin & {
  contract: C;
  payload: Payload<C>;
  /** Default: what the contract derives from the payload. */
  key?: string | undefined;
  /** Milliseconds before the job may start; default 0. */
  delayMs?: number | undefined;
  /** When the job may start, instead of `delayMs`; a time that is over means now. */
  runAt?: Date | undefined;
  /** Default: the contract's; `false`: none. `key` defaults to the job's key. */
  unique?: (Uniqueness & { key?: string | undefined }) | false | undefined;
};

/** A store id is the last token of a NATS subject. */
const storeToken = /^[\w-]{1,64}$/;

/** @throws RangeError for a store id that can't stand in a subject. */
export function outboxRow<C extends Contract>(job: NewJob<C>): OutboxRow {
  const { contract, payload } = job;
  if (!storeToken.test(job.storeId)) throw new RangeError("a store id has letters, digits, - and _ only");
  const unique = job.unique ?? contract.unique;
  if (job.traceparent) noteCause(job.traceparent);
  const row: OutboxRow = {
    id: Bun.randomUUIDv7(),
    kind: contract.kind,
    version: contract.version,
    priority: contract.priority,
    store_id: job.storeId,
    key: job.key ?? contract.key(payload),
    attempt: 1,
    payload,
    traceparent: job.traceparent ?? newTraceparent(),
    delay_ms: job.runAt ? Math.max(0, job.runAt.getTime() - Date.now()) : (job.delayMs ?? 0),
  };
  if (unique) row.unique = { until: "start", key: row.key, ...definedOf(unique) };
  return row;
}

/** Without what is undefined, which would take the place of a default. */
function definedOf<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
}

/** The rows that `events` cause, for SQL functions that enqueue them themselves through `bus.enqueue(jsonb)`. */
export function outboxRows(origin: Origin, events: readonly ShopEvent[]): OutboxRow[] {
  // Named one by one: an origin is often a whole job, whose own key must not become that of the jobs it causes.
  const { storeId, traceparent } = origin;
  return events
    .flatMap(reactionsTo)
    .map(({ contract, payload }) => outboxRow({ storeId, traceparent, contract, payload: payload as never }));
}

/** Writes the jobs that react to `events`, and which kept answers are old, in the caller's transaction. */
export async function emit(tx: Sql, origin: Origin, ...events: ShopEvent[]): Promise<void> {
  const rows = outboxRows(origin, events);
  const old = invalidationsOf(events, origin.storeId);
  await Promise.all([
    rows.length > 0 ? enqueueRows(tx, rows) : null,
    ...old.map(one => invalidate(tx, origin, one)),
  ]);
}

async function invalidate(tx: Sql, { traceparent }: Origin, { tags, soon }: Invalidation): Promise<void> {
  await tx`SELECT platform.invalidate(${tags as string[]}, ${soon}, ${traceparent ?? null})`;
}

/** Writes one job, in the caller's transaction, and returns its id; of a unique one, the id of the job that will do it. */
export async function enqueue<C extends Contract>(tx: Sql, job: NewJob<C>): Promise<string> {
  const row = outboxRow(job);
  if (row.unique) {
    const [made] = await tx<{ id: string }[]>`
      SELECT job_id AS id FROM bus.enqueue_unique(${tx.json(row as never)})`;
    return made!.id;
  }
  await enqueueRows(tx, [row]);
  return row.id;
}

/** Jobs that have no change to commit with: those that come at the same moment are one statement. */
const together = groupedBy((sql: Db) => ({
  max: 128,
  lanes: 2,
  isDefinite: isRefusedStatement,
  run: async (rows: readonly OutboxRow[]) => {
    await retried(() => enqueueRows(sql, rows));
    return rows;
  },
}));

/** Writes one job that belongs to no other change, and returns its id. For jobs that are not unique. */
export async function enqueueAlone<C extends Contract>(sql: Db, job: NewJob<C>): Promise<string> {
  const { id } = await together(sql, outboxRow({ ...job, unique: false }));
  return id;
}

/** Writes rows that `outboxRow` made, in the caller's transaction. */
export async function enqueueRows(tx: Sql, rows: readonly OutboxRow[]): Promise<void> {
  await tx`SELECT bus.enqueue(${tx.json(rows as never)})`;
}
