/**
 * Publishes to streams as nats.js does (message id, PubAck awaited), where thousands go in a second (the relay, the door of a
 * queue): one subscription for all answers and one timer for all time-outs, where the library makes a timer, an error with
 * its stack and a request object for each.
 */
import { createInbox, headers, type Msg, type MsgHdrs } from "nats";
import type { Connection } from "./connection.ts";

const TIMEOUT_MS = 2_000;
/** How often overdue answers are looked for. */
const LOOK_MS = 250;

export type PublishedPlace = { seq: number; duplicate: boolean };
type Waiting = { untilMs: number; resolve(place: PublishedPlace): void; reject(error: Error): void };

/** `headers`: beside the message id. */
export type StreamMessage = { id: string; data: string; headers?: MsgHdrs | undefined };

export type Publisher = {
  /** @throws Error when the stream did not take it, or did not say so in time: then it may have. */
  publish(subject: string, message: StreamMessage): Promise<PublishedPlace>;
};

const publishers = new WeakMap<Connection, Publisher>();

/** The one of this connection. @throws BusUnavailable before the connection stands. */
export function publisherOf(connection: Connection): Publisher {
  const publisher = publishers.get(connection) ?? openPublisher(connection);
  publishers.set(connection, publisher);
  return publisher;
}

function openPublisher({ nc }: Connection): Publisher {
  const inbox = createInbox();
  const waiting = new Map<string, Waiting>();
  let number = 0;
  let looking: Timer | undefined;

  nc.subscribe(`${inbox}.*`, {
    callback(error, msg) {
      const one = waiting.get(msg.subject);
      if (!one) return;
      waiting.delete(msg.subject);
      try {
        if (error) throw error;
        one.resolve(placeIn(msg));
      } catch (fault) {
        one.reject(fault as Error);
      }
    },
  });

  function look(): void {
    const now = performance.now();
    for (const [subject, one] of waiting) {
      // Oldest first.
      if (one.untilMs > now) break;
      waiting.delete(subject);
      one.reject(new Error("the stream did not answer in time"));
    }
    if (waiting.size > 0) return;
    clearInterval(looking);
    looking = undefined;
  }

  return {
    publish: (subject, { id, data, headers: head = headers() }) =>
      new Promise((resolve, reject) => {
        const reply = `${inbox}.${(++number).toString(36)}`;
        head.set("Nats-Msg-Id", id);
        nc.publish(subject, data, { headers: head, reply });
        waiting.set(reply, { untilMs: performance.now() + TIMEOUT_MS, resolve, reject });
        looking ??= setInterval(look, LOOK_MS);
      }),
  };
}

/** @throws Error for a refusal, or when no stream listens. */
function placeIn(msg: Msg): PublishedPlace {
  if (msg.data.length === 0)
    throw new Error(`no stream took the message (${msg.headers?.code ?? "no answer"})`);
  const {
    error,
    seq,
    duplicate = false,
  } = msg.json<{
    error?: { description: string };
    seq: number;
    duplicate?: boolean;
  }>();
  if (error) throw new Error(error.description);
  return { seq, duplicate };
}
