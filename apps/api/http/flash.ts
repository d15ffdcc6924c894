/** The queue of flash mode as a node sees it, one for all its routes. */
import {
  type Door,
  openDoor,
  openLoadWatch,
  openQueue,
  openSwitches,
  type Queue,
} from "../../../commerce/checkout/index.ts";
import { perNode } from "./per-node.ts";

export type Flash = { door: Door; queue: Queue };

export const flashOf = perNode(({ sql, log, bus, config }): Flash => {
  const queue = openQueue(bus.connection);
  const door = openDoor({
    sql,
    log,
    bus,
    queue,
    switches: openSwitches(sql),
    load: openLoadWatch({ sql, log, limit: config.flashAtWaiting }),
    maxWaiting: config.flashMaxWaiting,
  });
  return { door, queue };
});
