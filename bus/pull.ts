/**
 * A pull loop over one durable consumer, on plain NATS requests, because the pool has to know every message that this
 * process holds: heartbeats go out for buffered messages too, and what is held never exceeds `limit`. (The client's
 * own `consume()` keeps a buffer that can't be seen, whose messages come back after the ack wait.)
 *
 * One request is open at a time, for as many messages as are free: held + requested ≤ limit. It ends with its last
 * message, with a status from the server (expired, consumer gone, no leader), after two missed idle heartbeats, or at a
 * reconnect; the next one follows at once, after a pause when the server refused. Messages of a request that was given
 * up may still come and are taken as well. A round trip per `limit` messages is what one open request costs.
 */
import { createInbox, type Subscription } from "nats";
import { acks } from "./acks.ts";
import { type JobMessage, readByChunks } from "./chunk-reader.ts";
import type { Connection } from "./connection.ts";

const EXPIRES_MS = 30_000;
const IDLE_HEARTBEAT_MS = 5_000;
const SILENCE_MS = 2 * IDLE_HEARTBEAT_MS + 1_000;
const REFUSED_PAUSE_MS = 500;
const NANOS_PER_MS = 1_000_000;

export type Pulled = {
  readonly msg: JobMessage;
  /** 1 at the first delivery; the server's count, which also grows with naks and kills of a process that only held it. */
  readonly delivery: number;
  /** Names the stored message for ever: its sequence and the server's nanoseconds at which it was stored. */
  readonly stored: string;
};

export type Puller = {
  /** Tells that a held message was settled, so that another may come. */
  release(): void;
  readonly outstanding: { readonly held: number; readonly requested: number };
  /** Asks for nothing further; messages that were on their way are naked. Resolves when none can come. */
  stop(): Promise<void>;
};

export type PullOptions = {
  connection: Connection;
  stream: string;
  durable: string;
  /** Most messages held at once. */
  limit: number;
  onMessage(pulled: Pulled): void;
  onRefused?(reason: string): void;
};

export function startPull(options: PullOptions): Puller {
  const pull = new Pull(options);
  pull.request();
  return pull;
}

class Pull implements Puller {
  #held = 0;
  #requested = 0;
  #requestId = 0;
  #lastHeardMs = 0;
  #pausedUntilMs = 0;
  #stopped = false;
  #planned = false;
  readonly #options: PullOptions;
  readonly #subject: string;
  readonly #inbox = createInbox();
  readonly #subscription: Subscription;
  readonly #watchdog: Timer;
  readonly #forgetReconnect: () => void;
  readonly #forgetChunks: () => void;

  constructor(options: PullOptions) {
    this.#options = options;
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${options.stream}.${options.durable}`;
    this.#subscription = options.connection.nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (!error) this.#receive(msg);
      },
    });
    this.#forgetChunks = readByChunks(options.connection.nc, this.#subscription, msg => this.#receive(msg));
    this.#watchdog = setInterval(() => this.#checkSilence(), 1_000);
    this.#watchdog.unref();
    this.#forgetReconnect = options.connection.onReconnect(() => this.#abandon());
  }

  get outstanding() {
    return { held: this.#held, requested: this.#requested };
  }

  release(): void {
    this.#held--;
    this.#plan();
  }

  request(): void {
    this.#planned = false;
    const { connection, limit } = this.#options;
    const free = limit - this.#held;
    if (this.#stopped || this.#requested > 0 || free <= 0) return;
    if (!connection.connected || Date.now() < this.#pausedUntilMs) return;
    this.#requested = free;
    this.#lastHeardMs = Date.now();
    const body = {
      batch: free,
      expires: EXPIRES_MS * NANOS_PER_MS,
      idle_heartbeat: IDLE_HEARTBEAT_MS * NANOS_PER_MS,
    };
    const reply = `${this.#inbox}.${++this.#requestId}`;
    connection.nc.publish(this.#subject, JSON.stringify(body), { reply });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#watchdog);
    this.#forgetReconnect();
    // While NATS is away nothing can come, and a drain would wait for its return.
    if (this.#options.connection.connected) await this.#subscription.drain().catch(() => {});
    else this.#subscription.unsubscribe();
    this.#forgetChunks();
  }

  /** Settled messages come in groups; one request asks for all of their places. */
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(() => this.request());
  }

  #receive(msg: JobMessage): void {
    this.#lastHeardMs = Date.now();
    // A job keeps the subject it was published to; a status is addressed to the inbox.
    if (msg.subject.startsWith(this.#inbox)) this.#status(msg);
    else if (this.#stopped) acks.nak(this.#options.connection.nc, msg);
    else this.#take(msg);
  }

  #take(msg: JobMessage): void {
    if (this.#requested > 0) this.#requested--;
    this.#held++;
    this.#options.onMessage(new PulledMessage(msg));
    if (this.#requested === 0) this.#plan();
  }

  #status(msg: JobMessage): void {
    const code = msg.headers?.code ?? 0;
    const isCurrent = msg.subject === `${this.#inbox}.${this.#requestId}`;
    if (code === 100 || !isCurrent) return;
    this.#requested = 0;
    // 404 and 408: nothing came within the time. Anything else is a refusal: consumer gone, no leader, too many waiting.
    if (code === 404 || code === 408) {
      this.#plan();
      return;
    }
    this.#options.onRefused?.(msg.headers?.description || `status ${code}`);
    this.#pausedUntilMs = Date.now() + REFUSED_PAUSE_MS;
    setTimeout(() => this.request(), REFUSED_PAUSE_MS + 5);
  }

  #checkSilence(): void {
    if (this.#requested > 0 && Date.now() - this.#lastHeardMs > SILENCE_MS) this.#abandon();
    else if (this.#requested === 0) this.request();
  }

  #abandon(): void {
    this.#requested = 0;
    this.request();
  }
}

class PulledMessage implements Pulled {
  readonly msg: JobMessage;
  readonly delivery: number;

  constructor(msg: JobMessage) {
    this.msg = msg;
    const reply = msg.reply ?? "";
    const from = deliveredAt(reply);
    this.delivery = Number(reply.slice(from, reply.indexOf(".", from)));
  }

  get stored(): string {
    const reply = this.msg.reply ?? "";
    const [, streamSeq, , time] = reply.slice(deliveredAt(reply)).split(".");
    return `${streamSeq}-${time}`;
  }
}

const PLAIN_DOTS = 8;

/**
 * Where the count of deliveries begins in `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`,
 * or in the longer form, with domain and account before the stream.
 */
function deliveredAt(reply: string): number {
  let dots = 0;
  let plain = 0;
  let longer = 0;
  for (let at = reply.indexOf("."); at >= 0; at = reply.indexOf(".", at + 1)) {
    dots++;
    if (dots === 4) plain = at + 1;
    else if (dots === 6) longer = at + 1;
  }
  return dots === PLAIN_DOTS ? plain : longer;
}
