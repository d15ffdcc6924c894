/**
 * JetStream may refuse or not answer for some seconds though NATS is connected: servers that have just started, or lost
 * one of theirs, elect leaders first. What is needed to begin at all is asked for again until then.
 */
import type { Log } from "../platform/log.ts";

const AGAIN_MS = 500;

/** @throws what is no matter of time. */
export async function untilReady<T>(
  { log, isOver }: { log: Log; isOver: () => boolean },
  work: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (isOver() || !passes(error)) throw error;
      log.warn({ reason: (error as Error).message }, "JetStream is not ready; asking again");
      await Bun.sleep(AGAIN_MS);
    }
  }
}

/** "No suitable peers for placement": who leads the servers has not yet heard of enough others. */
const NO_PEERS = 10005;

/** No answer, nobody there to answer (503), "temporarily unavailable" in the answer, or too few servers so far. */
function passes(error: unknown): boolean {
  const { code, api_error } = error as { code?: string; api_error?: { code?: number; err_code?: number } };
  return code === "TIMEOUT" || code === "503" || api_error?.code === 503 || api_error?.err_code === NO_PEERS;
}
