/**
 * The cache's channel over core NATS: at most once, and silent while there is no connection. What is lost is read in the log
 * of changes a moment later.
 */
import type { InvalidationChannel, Told } from "../platform/cache/index.ts";
import type { Connection } from "./connection.ts";
import { signals } from "./topology.ts";

/** Tags of one message. */
const CHUNK = 1_000;

export function natsInvalidations(connection: Connection): InvalidationChannel {
  return {
    publish({ ids, tags, applied }) {
      if (!connection.connected) return;
      // Who has read only a part of a change must read the rest in the log: its ids come with the last part.
      for (let from = 0; from < tags.length || from === 0; from += CHUNK) {
        const isLast = from + CHUNK >= tags.length;
        const told: Told = { ids: isLast ? ids : [], tags: tags.slice(from, from + CHUNK), applied };
        connection.nc.publish(signals.invalidated, JSON.stringify(told));
      }
    },
    subscribe(heard) {
      let stop = () => {};
      let stopped = false;
      connection.ready.then(
        () => {
          if (stopped) return;
          const subscription = connection.nc.subscribe(signals.invalidated, {
            callback: (error, message) => {
              if (!error) heard(message.json<Told>());
            },
          });
          stop = () => subscription.unsubscribe();
        },
        () => {},
      );
      return () => {
        stopped = true;
        stop();
      };
    },
  };
}
