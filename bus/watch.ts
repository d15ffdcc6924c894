/**
 * Follows a bucket through reconnects. The client repairs its watch by itself, but ten seconds after a server was
 * restarted; meanwhile an operator's pause would reach nobody. So each reconnect opens a new watch, which tells every key
 * again, and then ends the old one.
 */
import type { KV, KvEntry } from "nats";
import type { Connection } from "./connection.ts";

const RETRY_MS = 250;

/** Calls back for each key, now, at each change and after each reconnect; resolves when the present ones are told. */
export async function watchBucket(
  connection: Connection,
  kv: KV,
  onEntry: (entry: KvEntry) => void,
): Promise<() => void> {
  const told = Promise.withResolvers<void>();
  const open = async () => {
    const opened = await kv.watch({ initializedFn: told.resolve });
    void (async () => {
      for await (const entry of opened) onEntry(entry);
    })();
    return opened;
  };
  let watcher = await open();
  let turn = 0;
  let stopped = false;

  async function reopen(): Promise<void> {
    const mine = ++turn;
    while (!stopped && mine === turn) {
      const next = await open().catch(() => null);
      if (next) {
        watcher.stop();
        watcher = next;
        if (stopped) next.stop();
        return;
      }
      await Bun.sleep(RETRY_MS);
    }
  }

  const forget = connection.onReconnect(() => void reopen());
  await told.promise;
  return () => {
    stopped = true;
    forget();
    watcher.stop();
  };
}
