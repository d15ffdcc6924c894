/**
 * The allocators: who stands at the head of each lane gives out the stock. A lane is served by the process whose session
 * holds its advisory lock, and the statements of a batch run on that same session: a process that lost its lock has lost
 * its connection too, and can't write any more.
 *
 * Crash story
 *   before the batch commits     nothing is done; the same messages come again first (bus/lanes.ts).
 *   between commit and ack       the same batch comes again; `checkout.flash_batch` finds each key used by this very order,
 *                                or its refusal, and nothing changes. Orders, stock and jobs are there once.
 *   after the ack                each winner's job `checkout.pay` is in the outbox; the attempt's lease and the expiry of
 *                                the stock are the net below it (recovery.ts).
 *   the session is lost          its locks are free; this process or another takes them, and the lanes begin again.
 */
import { type Bus, LANES, type LaneMessage, outboxRows, startLane } from "../../../bus/index.ts";
import { newId } from "../../../platform/ids.ts";
import type { Log } from "../../../platform/log.ts";
import { pause } from "../../../platform/pause.ts";
import { type Db, isRefusedStatement, type Sql } from "../../../platform/postgres/index.ts";
import { stockChanged } from "../../inventory/index.ts";
import { newOrderNumber } from "../../orders/index.ts";
import { flashOrderId, type Place, type Queued } from "./model.ts";
import * as store from "./store.ts";

const LOCK = 7_214_010;
/** How often a process asks whether a lane is free. */
const TRY_MS = 1_000;
/** A session that takes longer to say that it is there counts as lost. */
const PATIENCE_MS = 5_000;
/** Of the time that stock is held, what the payment may take before a sweep looks after it. */
const LEASE_SHARE = 0.5;

export type AllocatorDeps = { sql: Db; bus: Bus; log: Log; holdMs: number };

/** Serves all lanes that nobody else serves. Resolves at once; `stop` finishes the batches at hand. */
export function startAllocators(deps: AllocatorDeps): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const running = run(deps, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function run(deps: AllocatorDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await Promise.race([deps.bus.ready, aborted(signal)]);
      if (!signal.aborted) await holdLanes(deps, signal);
    } catch (error) {
      deps.log.warn({ err: error }, "the lanes are given up; trying again");
      await Bun.sleep(TRY_MS);
    }
  }
}

/** One session: takes what lanes are free and serves them until it ends. @throws Error when the session is lost. */
async function holdLanes(deps: AllocatorDeps, signal: AbortSignal): Promise<void> {
  const session = await deps.sql.reserve();
  const served = new Map<number, ReturnType<typeof startLane>>();
  const { connection } = deps.bus;
  try {
    while (!signal.aborted) {
      for (let lane = 0; lane < LANES; lane++) {
        if (served.has(lane) || !(await within(store.lockLane(session as never, LOCK, lane)))) continue;
        const course: Course = { hopeful: true };
        const prepare = (messages: readonly LaneMessage[]) => {
          const run = prepareBatch({ ...deps, session: session as never }, lane, messages, course);
          return () => within(run());
        };
        served.set(lane, startLane({ connection, lane, log: deps.log, prepare }));
      }
      await pause(TRY_MS, signal);
      await within(session`SELECT 1`);
    }
  } finally {
    await Promise.all([...served.values()].map(lane => lane.stop()));
    await within(store.unlockLanes(session as never)).catch(() => {});
    session.release();
  }
}

function within<T>(work: PromiseLike<T>): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the session does not answer")), PATIENCE_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

export type AllocateDeps = Pick<AllocatorDeps, "log" | "holdMs"> & { session: Sql; bus?: Pick<Bus, "poke"> };

/** What one lane remembers from batch to batch. */
type Course = { hopeful: boolean };

/**
 * Makes a batch of a lane ready, and gives what serves it, in order. Repeatable. That @throws what Postgres throws when
 * nothing was done.
 */
export function prepareBatch(
  deps: AllocateDeps,
  lane: number,
  messages: readonly LaneMessage[],
  course: Course = { hopeful: true },
): () => Promise<void> {
  const again = messages.some(message => message.again);
  const requests = messages.flatMap(message => {
    const queued = read(message.data);
    if (queued) return requestOf(queued, { lane, seq: message.seq });
    deps.log.error({ lane, seq: message.seq }, "a message of the lane can't be read and is dropped");
    return [];
  });
  // Stores that share the lane do not wait for one another in any order.
  const byStore = [...Map.groupBy(requests, request => request.storeId).values()];
  const parts = byStore.map(part => ({
    part,
    columns: store.columnsOf(part),
    terms: termsOf(deps, part[0]!, again),
  }));
  return async () => {
    for (const { part, columns, terms } of parts) {
      const served = await serve(deps, part, { ...terms, hopeful: course.hopeful }, columns);
      course.hopeful = served * 2 >= part.length;
    }
    deps.bus?.poke();
  };
}

/** Null for what this version did not write. */
function read(data: string): Queued | null {
  try {
    const queued = JSON.parse(data) as Queued;
    return typeof queued.key === "string" && typeof queued.nonce === "string" ? queued : null;
  } catch {
    return null;
  }
}

/**
 * One statement for all; a batch that Postgres refuses is halved, in order, until the faulty one stands alone. Returns how
 * many got their stock.
 */
async function serve(
  deps: AllocateDeps,
  requests: readonly store.FlashRequest[],
  terms: store.BatchTerms,
  columns = store.columnsOf(requests),
): Promise<number> {
  try {
    return await store.serveBatch(deps.session, columns, terms);
  } catch (error) {
    if (!isRefusedStatement(error)) throw error;
    if (requests.length === 1) {
      const { storeId, orderId } = requests[0]!;
      deps.log.error({ err: error, orderId }, "a queued checkout can't be served");
      await store.refuse(deps.session, storeId, orderId, "failed");
      return 0;
    }
    const half = requests.length >> 1;
    const first = await serve(deps, requests.slice(0, half), terms);
    return first + (await serve(deps, requests.slice(half), terms));
  }
}

function requestOf(queued: Queued, place: Place): store.FlashRequest {
  const { storeId, key, fingerprint, cartId, payment, traceparent, cart } = queued;
  return {
    storeId,
    key,
    fingerprint,
    cartId,
    version: cart?.version ?? 0,
    lines: cart?.lines ?? "",
    orderId: flashOrderId(queued, place),
    number: newOrderNumber(),
    reservationId: newId("res"),
    intentId: newId("pay"),
    provider: payment.provider,
    traceparent,
    payWith: payment.token,
  };
}

function termsOf(
  { holdMs }: AllocateDeps,
  { storeId, traceparent }: store.FlashRequest,
  again: boolean,
): Omit<store.BatchTerms, "hopeful"> {
  const jobs = outboxRows({ storeId }, [{ type: "orders.allocated", orderIds: ["$order"] }]);
  const changed = stockChanged({ storeId, traceparent });
  return { again, holdMs, leaseMs: Math.floor(holdMs * LEASE_SHARE), changed, jobs };
}
