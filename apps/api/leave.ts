/**
 * How a node's listeners end (the whole drain is told in main.ts).
 *
 * Bun's `stop()` closes the connections that it takes for idle, also those whose request has reached this machine but not
 * this process yet, and the kernel resets those that wait to be accepted. So it is called right after a turn of the event
 * loop that found nothing to do.
 */
import type { Log } from "../../platform/log.ts";

type Servers = readonly Bun.Server<undefined>[];

/** Of looking for a moment to stop: under more load than the node can take there is none. */
const MOMENT_MS = 3_000;
const CALM_TURN_MS = 1;

/** Stops listening and waits for what runs; cuts it off after `ms`. */
export async function stopWithin(ms: number, servers: Servers, log: Log): Promise<void> {
  await quietMoment(servers);
  const stopped = Promise.all(servers.map(server => server.stop()));
  const late = Bun.sleep(ms).then(() => "late" as const);
  if ((await Promise.race([stopped, late])) !== "late") return;
  log.warn("requests were cut off at the end of the drain");
  await Promise.all(servers.map(server => server.stop(true)));
}

/** Resolves right after a turn of the event loop in which there was nothing to do, or nearly so. */
async function quietMoment(servers: Servers): Promise<void> {
  for (const since = performance.now(); performance.now() - since < MOMENT_MS; ) {
    const began = performance.now();
    await new Promise(resolve => setImmediate(resolve));
    const isCalm = performance.now() - began < CALM_TURN_MS;
    if (isCalm && servers.every(server => server.pendingRequests === 0)) return;
    if (isCalm) await Bun.sleep(1);
  }
}
