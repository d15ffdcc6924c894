/**
 * The connection to NATS. It is made in the background and kept for ever: while it is down, what needs it throws
 * {@link BusUnavailable}, and what can do without it (requests that write to the outbox) goes on.
 */
import { connect, Events, type JetStreamClient, type JetStreamManager, type NatsConnection } from "nats";
import type { Log } from "../platform/log.ts";

export class BusUnavailable extends Error {
  override name = "BusUnavailable";
  constructor() {
    super("NATS is not connected");
  }
}

/** A server that is frozen, or cut off without a word, is left after two to three of these, */
const PING_MS = 3_000;
/** and does not hold up the search for another for longer than this. */
const DIAL_MS = 3_000;

/** JetStream's API and publishes answer in milliseconds, or within an election after a server was lost. */
const API_TIMEOUT_MS = 5_000;

export type Connection = {
  /** @throws BusUnavailable before the first connection. */
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly connected: boolean;
  /** Copies that the server keeps of each stream and bucket. */
  readonly replicas: number;
  /** Resolves when the first connection stands. */
  readonly ready: Promise<void>;
  /** Calls back after each reconnect. Returns the way to stop that. */
  onReconnect(callback: () => void): () => void;
  close(): Promise<void>;
};

export function openConnection(options: {
  url: string;
  name: string;
  log: Log;
  /** Default 1. */
  replicas?: number | undefined;
}): Connection {
  let nc: NatsConnection | undefined;
  let js: JetStreamClient | undefined;
  let jsm: JetStreamManager | undefined;
  let connected = false;
  let closing = false;
  const reconnected = new Set<() => void>();

  async function watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === Events.Disconnect) {
        connected = false;
        if (!closing) options.log.warn("NATS disconnected");
      } else if (status.type === Events.Reconnect) {
        connected = true;
        options.log.info("NATS reconnected");
        for (const callback of reconnected) callback();
      }
    }
  }

  async function open(): Promise<void> {
    const servers = splitUrl(options.url);
    nc = await connect({
      ...servers,
      name: options.name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 250,
      waitOnFirstConnect: true,
      timeout: DIAL_MS,
      pingInterval: PING_MS,
      maxPingOut: 2,
    });
    if (closing) return nc.close();
    // checkAPI is off because the server may answer before its JetStream does.
    jsm = await nc.jetstreamManager({ timeout: API_TIMEOUT_MS, checkAPI: false });
    js = nc.jetstream({ timeout: API_TIMEOUT_MS });
    connected = true;
    void watch(nc);
  }

  const ready = open();
  ready.catch(error => options.log.error({ err: error }, "NATS refused the connection"));

  const need = <T>(value: T | undefined): T => {
    if (value === undefined) throw new BusUnavailable();
    return value;
  };
  return {
    get nc() {
      return need(nc);
    },
    get js() {
      return need(js);
    },
    get jsm() {
      return need(jsm);
    },
    get connected() {
      // The client tells of no disconnect when it is closed by us; who publishes then would be thrown at.
      return connected && !closing;
    },
    replicas: options.replicas ?? 1,
    ready,
    onReconnect(callback) {
      reconnected.add(callback);
      return () => reconnected.delete(callback);
    },
    async close() {
      closing = true;
      if (nc && !nc.isClosed()) await nc.drain().catch(() => nc?.close());
    },
  };
}

/** `nats://user:pass@host:port,…` → what the client takes; it does not read credentials out of URLs. */
export function splitUrl(url: string): { servers: string[]; user?: string; pass?: string; token?: string } {
  const parsed = url.split(",").map(one => new URL(one.includes("://") ? one : `nats://${one}`));
  const servers = parsed.map(one => one.host);
  const { username, password } = parsed[0]!;
  if (username && password) {
    return { servers, user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  }
  return username ? { servers, token: decodeURIComponent(username) } : { servers };
}
