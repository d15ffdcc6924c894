/**
 * A checkout at the door of the queue: is it one for flash mode, has it been here before, is there room, then into its
 * lane. Nothing is written to Postgres; what was taken is in the stream.
 *
 * Idempotency: the message's id is store and key, so within two minutes the stream keeps the first only and answers with
 * its sequence; after that the attempt's row is there, which is looked at before anything is queued. A message that
 * slipped through between is met by the allocator, which gives it the order of the first.
 *
 * NATS down: nothing can be queued, and checkouts go the direct way, a few at a time.
 */
import { type Bus, laneMessage, noteCause, publishToLane } from "../../../bus/index.ts";
import { conflict, notFound, Problem } from "../../../platform/errors.ts";
import { grouped } from "../../../platform/grouped.ts";
import { isId } from "../../../platform/ids.ts";
import type { Log } from "../../../platform/log.ts";
import { type Db, isRefusedStatement } from "../../../platform/postgres/index.ts";
import { refusalOf } from "../errors.ts";
import { answerOf, type CheckoutAnswer, type CheckoutRequest, fingerprintOf } from "../model.ts";
import type { LoadWatch } from "./load.ts";
import {
  flashOrderId,
  laneOf,
  newNonce,
  type Place,
  placeOf,
  type Queued,
  type QueuePosition,
  variantsOf,
} from "./model.ts";
import type { Queue } from "./queue.ts";
import * as store from "./store.ts";
import type { Switches } from "./switches.ts";

/** Checkouts of flash mode that a node takes the direct way at once while NATS is away. */
const MAX_DIRECT = 64;
const MAX_LOOKED = 256;

export type Accepted = { status: 202; id: string; location: string; queue: QueuePosition };

export type Door = {
  /** Null: not one for the queue; the caller checks out directly, and calls `done` afterwards when it is there. */
  accept(request: CheckoutRequest): Promise<Accepted | CheckoutAnswer | { direct: true; done(): void }>;
};

export type DoorDeps = {
  sql: Db;
  log: Log;
  bus: Bus;
  switches: Switches;
  queue: Queue;
  load: LoadWatch;
  /** Most that may wait in a lane. */
  maxWaiting: number;
};

export function openDoor(deps: DoorDeps): Door {
  const look = grouped<store.Wanted, store.Seen>({
    run: wanted => store.look(deps.sql, wanted),
    max: MAX_LOOKED,
    lanes: 1,
    isDefinite: isRefusedStatement,
  });
  let directly = 0;

  /** The way past the queue, for a few. */
  function aside() {
    if (directly >= MAX_DIRECT) throw tooMany(1);
    directly++;
    return {
      direct: true as const,
      done() {
        directly--;
      },
    };
  }

  return {
    async accept(request) {
      const { storeId, cartId, key } = request;
      const direct = () => ({ direct: true as const, done: deps.load.begin(storeId, cartId) });
      const on = await deps.switches.of(storeId);
      if (on.size === 0 || !isId("cart", cartId)) return direct();
      const seen = await look({ storeId, cartId, key });
      const fingerprint = fingerprintOf(request);
      const before = await answerBefore(deps, seen, fingerprint);
      if (before) return before;
      const hot = hotOf(seen, on);
      if (hot === null) return direct();
      const lane = laneOf(storeId, hot);
      refuseHopeless(seen);
      if (!deps.bus.isConnected) return aside();

      const depth = await deps.queue.depth(lane).catch(() => null);
      if (depth === null) return aside();
      if (depth >= deps.maxWaiting) throw tooMany(deps.queue.secondsFor(lane, depth - deps.maxWaiting + 1));
      deps.load.queued(storeId, on.has(hot) ? hot : "", depth);
      return enqueue(
        deps,
        { ...request, fingerprint, cart: cartOf(seen), atMs: Date.now(), nonce: newNonce() },
        lane,
        depth,
      ).catch(error => {
        if (error instanceof Problem) throw error;
        // It may be in the stream all the same: the key makes one order of both.
        deps.log.warn({ err: error, lane }, "a checkout could not be queued and goes the direct way");
        return aside();
      });
    },
  };
}

function tooMany(afterSeconds: number): Problem {
  return new Problem(429, "queue_full", "Too many are waiting for this product; try again later.", {
    headers: { "retry-after": String(afterSeconds) },
  });
}

/** The answer to a key that was used before; null when it is new or must be asked the direct way. */
async function answerBefore(
  { queue }: DoorDeps,
  { attempt, stored }: store.Seen,
  fingerprint: string,
): Promise<Accepted | CheckoutAnswer | null> {
  if (!attempt) return null;
  if (attempt.fingerprint !== fingerprint) throw refusalOf({ outcome: "key_reused" });
  // An order that came out of the queue is looked up where its 202 said, however far it is.
  const place = placeOf(attempt.orderId);
  if (place)
    return accepted(attempt.orderId, (await queue.position(place)) ?? { position: 0, estimatedSeconds: 0 });
  return stored ? answerOf({ ...stored, replayed: true }) : null;
}

const cartOf = ({ version, lines }: store.Seen) => ({ version: version ?? 0, lines: lines ?? "" });

/** The variant whose queue it is; null when it is none of a queue, or a direct checkout under this key is under way. */
function hotOf({ attempt, lines }: store.Seen, on: ReadonlySet<string>): string | null {
  if (attempt) return null;
  const variants = variantsOf(lines);
  // Of several the least, whatever their order in the cart: carts of the same articles go the same way.
  return (on.has("") ? variants : variants.filter(variant => on.has(variant))).toSorted()[0] ?? null;
}

/** What would be refused anyway need not wait. @throws Problem */
function refuseHopeless({ cartStatus }: store.Seen): void {
  if (cartStatus === null) throw notFound("cart");
  if (cartStatus === "completed") throw conflict("cart_completed", "This cart has become an order.");
}

async function enqueue(deps: DoorDeps, queued: Queued, lane: number, depth: number): Promise<Accepted> {
  const { connection } = deps.bus;
  const { storeId, key } = queued;
  const message = { id: `${storeId}/${key}`, data: JSON.stringify(queued) };
  const { seq, duplicate } = await publishToLane(connection, lane, message);
  if (duplicate) return again(deps, queued, { lane, seq });
  deps.queue.added(lane);
  // The allocator makes the jobs, in another process, on behalf of this request.
  noteCause(queued.traceparent);
  const position = depth + 1;
  return accepted(flashOrderId(queued, { lane, seq }), {
    position,
    estimatedSeconds: deps.queue.secondsFor(lane, position),
  });
}

/** The id that the first of this key was given. */
async function again(deps: DoorDeps, queued: Queued, place: Place): Promise<Accepted> {
  const text = await laneMessage(deps.bus.connection, place.seq);
  if (text !== null) {
    const first = JSON.parse(text) as Queued;
    if (first.fingerprint !== queued.fingerprint) throw refusalOf({ outcome: "key_reused" });
    const position = (await deps.queue.position(place)) ?? { position: 1, estimatedSeconds: 1 };
    return accepted(flashOrderId(first, place), position);
  }
  const orderId = await store.attemptOrder(deps.sql, queued.storeId, queued.key);
  if (orderId) return accepted(orderId, { position: 0, estimatedSeconds: 0 });
  // It was served and refused without a stored answer; the stream still remembers its key for a while.
  throw new Problem(
    409,
    "in_progress",
    "This checkout was refused a moment ago; use a new Idempotency-Key.",
    {
      headers: { "retry-after": "120" },
    },
  );
}

function accepted(id: string, queue: QueuePosition): Accepted {
  return { status: 202, id, location: `/store/orders/${id}`, queue };
}
