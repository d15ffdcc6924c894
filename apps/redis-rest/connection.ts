/**
 * The connection to Redis that comes back whatever happened to it. Bun's client reconnects by itself only after it was
 * connected properly: when Redis, just started, answers its greeting with `LOADING`, or goes away in the middle of it, the
 * client has failed for good. So it reconnects nothing here, and each loss gets a new client.
 *
 *   opening → open → (closed) → pausing → opening …       opening → (refused, silent) → pausing → opening …
 */
import { RedisClient } from "bun";

const PAUSE_MS = 50;
const OPENING_MS = 2_000;

export type Connection = {
  /** Fails at once while Redis is away: who asks has another way, and the tail of a MULTI must not go out alone. */
  client(): RedisClient;
  close(): void;
};

export class RedisAway extends Error {
  override name = "RedisAway";
  constructor() {
    super("Redis is away");
  }
}

export function keepConnected(url: string): Connection {
  let open: RedisClient | null = null;
  let closed = false;
  let timer: Timer | undefined;

  const retry = (client: RedisClient) => {
    if (open === client) open = null;
    client.onclose = () => {};
    client.close();
    if (!closed) timer = setTimeout(() => void connect(), PAUSE_MS);
  };

  async function connect(): Promise<void> {
    const client = new RedisClient(url, {
      connectionTimeout: OPENING_MS,
      autoReconnect: false,
      enableOfflineQueue: false,
    });
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => {});
    client.onclose = () => lost.reject(new RedisAway());
    const late = setTimeout(() => lost.reject(new RedisAway()), OPENING_MS);
    try {
      await Promise.race([client.connect(), lost.promise]);
      // RESP2 has the shapes that the REST protocol wants: flat arrays, numbers with a fraction as strings.
      await Promise.race([client.send("HELLO", ["2"]), lost.promise]);
      clearTimeout(late);
      open = client;
      await lost.promise;
    } catch {
      clearTimeout(late);
      retry(client);
    }
  }

  void connect();
  return {
    client() {
      if (!open) throw new RedisAway();
      return open;
    },
    close() {
      closed = true;
      clearTimeout(timer);
      open?.close();
    },
  };
}
