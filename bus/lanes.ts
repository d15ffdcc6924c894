/**
 * Lanes: messages that are served strictly in the order of the stream, in batches, by one process at a time. They are
 * the FLASH stream's (topology.ts); what a message means is not known here.
 *
 * A lane's durable lets two batches be on their way (`max_ack_pending`): while one is done in one transaction, then
 * acknowledged, the next is fetched and made ready. It begins only when the one before has committed.
 *
 * Crash story
 *   before the transaction commits   nothing is done; after the ack wait the same messages come again, first.
 *   between commit and ack           the same; the batch finds that they were done, and changes nothing.
 *   a batch fails                    as if the process had died: what it holds is forgotten and comes again.
 *   a message is lost on its way     the consumer's sequence has a gap: all that follows is forgotten too, and comes again.
 *   the process stands still         for longer than the ack wait: what it holds comes once more, and keeps its one place.
 * In each of these the server would hand out newer messages while older ones wait for their redelivery. So whoever
 * starts, or starts again, asks for nothing until all that was delivered is either settled or due again.
 */
import { createInbox } from "nats";
import type { Log } from "../platform/log.ts";
import { pause } from "../platform/pause.ts";
import { acks } from "./acks.ts";
import { type JobMessage, readByChunks } from "./chunk-reader.ts";
import type { Connection } from "./connection.ts";
import { type PublishedPlace, publisherOf } from "./publisher.ts";
import {
  FLASH_STREAM,
  LANE_ACK_WAIT_MS,
  LANE_AHEAD,
  LANE_BATCH,
  LANES,
  laneDurable,
  laneSubject,
  onlyMissing,
} from "./topology.ts";

/** The server looks for overdue messages a little after they are. */
const OVERDUE_MARGIN_MS = 500;
const FAILED_PAUSE_MS = 500;
const EXPIRES_MS = 10_000;
/** How soon a request that was refused or lost is repeated. */
const ASK_MS = 50;
/** How long a batch waits for messages that the server has but did not deliver yet. */
const FILL_MS = 20;
const NANOS_PER_MS = 1_000_000;

export type LaneMessage = {
  readonly seq: number;
  readonly data: string;
  /** It was delivered before: whoever had it may have served it. */
  readonly again: boolean;
};

/** @throws Error when the stream did not take it, or did not say so in time: then it may have. */
export function publishToLane(
  connection: Connection,
  lane: number,
  message: { id: string; data: string },
): Promise<PublishedPlace> {
  return publisherOf(connection).publish(laneSubject(lane), message);
}

/** A message that still waits; null when it was settled. */
export async function laneMessage(connection: Connection, seq: number): Promise<string | null> {
  const stored = await connection.jsm.streams.getMessage(FLASH_STREAM, { seq }).catch(onlyMissing);
  return stored ? new TextDecoder().decode(stored.data) : null;
}

export type LaneState = {
  /** Not settled yet. */
  readonly waiting: number;
  /** All messages of the lane up to this sequence are settled. */
  readonly floorSeq: number;
  /** Settled since the stream was made; its growth is the lane's pace. */
  readonly settled: number;
};

/** The state of one lane or of all, by lane. */
export async function laneStates(connection: Connection): Promise<LaneState[]> {
  const infos = await Promise.all(
    Array.from({ length: LANES }, (_, lane) =>
      connection.jsm.consumers.info(FLASH_STREAM, laneDurable(lane)),
    ),
  );
  return infos.map(info => ({
    waiting: info.num_pending + info.num_ack_pending,
    floorSeq:
      info.num_pending + info.num_ack_pending === 0 ? Number.MAX_SAFE_INTEGER : info.ack_floor.stream_seq,
    settled: info.ack_floor.consumer_seq,
  }));
}

export type Lane = { stop(): Promise<void> };

export type LaneOptions = {
  connection: Connection;
  lane: number;
  log: Log;
  /**
   * Makes a batch ready, without effect, and gives what does it: in one transaction, and repeatable. What that throws makes
   * the lane begin again with the same messages.
   */
  prepare(messages: readonly LaneMessage[]): () => Promise<void>;
};

/** Serves a lane until it is stopped. The caller sees to it that no other process does. */
export function startLane(options: LaneOptions): Lane {
  const stopping = new AbortController();
  const running = serve(options, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function serve(options: LaneOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await untilNothingIsOut(options, signal);
      await takeBatches(options, signal);
    } catch (error) {
      options.log.warn({ err: error, lane: options.lane }, "the lane begins again with the same messages");
    }
  }
}

/** Waits until every message that somebody was handed is settled or overdue, and so comes before all others. */
async function untilNothingIsOut({ connection, lane }: LaneOptions, signal: AbortSignal): Promise<void> {
  const info = await connection.jsm.consumers.info(FLASH_STREAM, laneDurable(lane)).catch(async error => {
    await pause(1_000, signal);
    throw error;
  });
  if (info.num_ack_pending > 0) await pause(LANE_ACK_WAIT_MS + OVERDUE_MARGIN_MS, signal);
}

type Held = { msg: JobMessage; seq: number; again: boolean; left: number };
type Ready = { count: number; run(): Promise<void> };

/** Takes what is there, a batch at most, again and again. Returns when stopped; @throws when order or a batch failed. */
async function takeBatches({ connection, lane, prepare }: LaneOptions, signal: AbortSignal): Promise<void> {
  const intake = openIntake(connection, lane);
  const stop = () => intake.wake();
  signal.addEventListener("abort", stop);
  /** What is held beyond the first `from`. */
  const ready = (from: number): Ready => {
    if (intake.fault) throw intake.fault;
    const batch = intake.held.slice(from, from + LANE_BATCH);
    const messages = batch.map(({ msg, seq, again }) => ({ seq, again, data: msg.string() }));
    return { count: batch.length, run: prepare(messages) };
  };
  let next: Ready | undefined;
  let served = 0;
  try {
    while (!signal.aborted) {
      if (!next) {
        intake.settle(served);
        served = 0;
        await intake.filled(0, signal);
        if (signal.aborted) break;
        next = ready(0);
      }
      const { count, run } = next;
      next = undefined;
      const done = run();
      // Acknowledged once the next is on its way to be served: nobody waits for it.
      await Promise.race([done, turnOfLoop()]);
      intake.settle(served);
      const filled = intake.filled(count, signal).then(() => "filled" as const);
      const first = await Promise.race([done, filled]);
      if (first === "filled" && !signal.aborted && !intake.fault) next = ready(count);
      await done;
      served = count;
    }
    intake.settle(served);
    intake.close();
    // Given back in order; who serves the lane next need not wait for the ack wait.
    for (const { msg } of intake.held) acks.nak(connection.nc, msg);
  } catch (error) {
    intake.close();
    await pause(FAILED_PAUSE_MS, signal);
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function turnOfLoop(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

type Intake = {
  /** Delivered and not settled, in order. */
  readonly held: readonly Held[];
  /** Set when a delivery is missing. */
  readonly fault: Error | undefined;
  /**
   * Resolves when a batch is held beyond the first `from`, or less and no more is to come for the moment, or the signal is
   * aborted.
   */
  filled(from: number, signal: AbortSignal): Promise<void>;
  wake(): void;
  /** Acknowledges the first `count`. */
  settle(count: number): void;
  close(): void;
};

/**
 * Deliveries of a lane. One request is open at a time, for as many as may be on their way. Unlike pull.ts it gives nothing
 * back by itself: what is given back out of turn would come before what is older.
 */
function openIntake(connection: Connection, lane: number): Intake {
  const { nc } = connection;
  const inbox = createInbox();
  const held: Held[] = [];
  let requested = 0;
  let requestedAtMs = 0;
  let number = 0;
  let expected: number | undefined;
  let fault: Error | undefined;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of waiting) look();
  };
  function request(): void {
    const free = LANE_AHEAD - held.length;
    if (requested > 0 || free <= 0 || nc.isClosed()) return;
    requested = free;
    requestedAtMs = Date.now();
    const body = JSON.stringify({ batch: free, expires: EXPIRES_MS * NANOS_PER_MS });
    nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${FLASH_STREAM}.${laneDurable(lane)}`, body, {
      reply: `${inbox}.${++number}`,
    });
  }
  const receive = (msg: JobMessage) => {
    if (msg.subject.startsWith(inbox)) {
      // The request ended: nothing came in time, or the server refused it (no leader); `asking` repeats it.
      if (msg.subject === `${inbox}.${number}` && msg.headers?.code !== 100) requested = 0;
      return;
    }
    const { seq, delivery, again, left } = placeOf(msg.reply ?? "");
    if (expected !== undefined && delivery !== expected) {
      fault = new Error(`delivery ${expected} was lost, ${delivery} came`);
    }
    expected = delivery + 1;
    requested = Math.max(0, requested - 1);
    const known = again ? held.findIndex(one => one.seq === seq) : -1;
    // One that stands in a batch twice would meet its own effect.
    if (known < 0) held.push({ msg, seq, again, left });
    else held[known] = { msg, seq, again, left };
    if (requested === 0) request();
    wake();
  };
  const subscription = nc.subscribe(`${inbox}.*`, { callback: (error, msg) => !error && receive(msg) });
  const forgetChunks = readByChunks(nc, subscription, receive);
  const asking = setInterval(() => {
    if (Date.now() - requestedAtMs > EXPIRES_MS + 1_000) requested = 0;
    request();
  }, ASK_MS);
  const alive = setInterval(() => {
    if (!nc.isClosed()) for (const { msg } of held) acks.working(nc, msg);
  }, LANE_ACK_WAIT_MS / 3);
  request();

  return {
    held,
    get fault() {
      return fault;
    },
    async filled(from, signal) {
      let sinceMs = 0;
      const isFilled = () => {
        if (held.length <= from) return false;
        sinceMs ||= performance.now();
        const isAll = held.at(-1)!.left === 0 || performance.now() - sinceMs >= FILL_MS;
        return isAll || held.length - from >= LANE_BATCH;
      };
      while (!signal.aborted && !fault && !isFilled()) {
        await new Promise<void>(resolve => {
          const look = () => {
            if (!signal.aborted && !fault && !isFilled()) return;
            waiting.delete(look);
            clearTimeout(timer);
            resolve();
          };
          const timer = sinceMs > 0 ? setTimeout(look, FILL_MS) : undefined;
          waiting.add(look);
        });
      }
    },
    wake,
    settle(count) {
      acks.ackAll(
        nc,
        held.splice(0, count).map(one => one.msg),
      );
      request();
    },
    close() {
      clearInterval(alive);
      clearInterval(asking);
      forgetChunks();
      subscription.unsubscribe();
    },
  };
}

/** `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`, or with domain and account. */
function placeOf(reply: string): { seq: number; delivery: number; again: boolean; left: number } {
  const tokens = reply.split(".");
  const at = tokens.length === 9 ? 5 : 7;
  return {
    seq: Number(tokens[at]),
    delivery: Number(tokens[at + 1]),
    again: tokens[at - 1] !== "1",
    left: Number(tokens[at + 3]),
  };
}
