/**
 * The allocators: who stands at the head of each lane gives out the stock. A lane is served by the process whose session
 * holds its advisory lock, and the statements of a batch run on that same session: a process that lost its lock has lost
 * its connection too, and can't write any more.
 *
 * Crash story
 *   before the batch commits     nothing is done; the same messages come again first (bus/lanes.ts).
 *   between commit and ack       the same batch comes again; `checkout.begin` finds each key used by this very order, and
 *                                nothing changes. Orders, stock and jobs are there once.
 *   after the ack                each winner's job `checkout.pay` is in the outbox; the attempt's lease and the expiry of
 *                                the stock are the net below it (recovery.ts).
 *   the session is lost          its locks are free; this process or another takes them, and the lanes begin again.
 */
import { type Bus, LANES, type LaneMessage, outboxRows, startLane } from "../../../bus/index.ts";
import { newId } from "../../../platform/ids.ts";
import type { Log } from "../../../platform/log.ts";
import { type Db, isRefusedStatement, type Sql } from "../../../platform/postgres/index.ts";
import { stockChanged } from "../../inventory/index.ts";
import { flashOrderId, type Queued } from "./model.ts";
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
        const onBatch = (messages: readonly LaneMessage[]) =>
          within(allocate({ ...deps, session: session as never }, lane, messages));
        served.set(lane, startLane({ connection, lane, log: deps.log, onBatch }));
      }
      await Promise.race([Bun.sleep(TRY_MS), aborted(signal)]);
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

/** Gives a batch its stock, in order. Repeatable. @throws what Postgres throws when nothing was done. */
export async function allocate(
  deps: AllocateDeps,
  lane: number,
  messages: readonly LaneMessage[],
): Promise<void> {
  const requests = messages.flatMap(message => {
    const queued = read(message.data);
    if (queued) return requestOf(deps, queued, { lane, seq: message.seq });
    deps.log.error({ lane, seq: message.seq }, "a message of the lane can't be read and is dropped");
    return [];
  });
  if (requests.length > 0) await beginAll(deps, requests);
  deps.bus?.poke();
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

/** One statement for all; a batch that Postgres refuses is halved, in order, until the faulty one stands alone. */
async function beginAll(deps: AllocateDeps, requests: readonly store.FlashRequest[]): Promise<void> {
  try {
    await store.begin(deps.session, requests);
  } catch (error) {
    if (!isRefusedStatement(error)) throw error;
    if (requests.length === 1) {
      const { storeId, orderId } = requests[0]!;
      deps.log.error({ err: error, orderId }, "a queued checkout can't be served");
      return store.refuse(deps.session, storeId, orderId, "failed");
    }
    const half = requests.length >> 1;
    await beginAll(deps, requests.slice(0, half));
    await beginAll(deps, requests.slice(half));
  }
}

function requestOf(
  deps: AllocateDeps,
  queued: Queued,
  place: { lane: number; seq: number },
): store.FlashRequest {
  const { storeId, key, fingerprint, cartId, payment, traceparent } = queued;
  const origin = { storeId, traceparent };
  const orderId = flashOrderId(queued, place);
  return {
    storeId,
    key,
    fingerprint,
    cartId,
    orderId,
    reservationId: newId("res"),
    intentId: newId("pay"),
    provider: payment.provider,
    traceparent,
    leaseMs: Math.floor(deps.holdMs * LEASE_SHARE),
    holdMs: deps.holdMs,
    changed: stockChanged(origin),
    payWith: payment.token,
    rows: outboxRows(origin, [{ type: "order.allocated", orderId }]),
  };
}
