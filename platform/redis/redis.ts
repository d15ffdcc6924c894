import { Redis } from "@upstash/redis";
import type { Log } from "../log.ts";

export type RedisOptions = {
  /** Absent: there is no Redis, and every attempt is unreached. */
  readonly url: string | undefined;
  readonly token?: string | undefined;
  readonly timeoutMs: number;
  readonly log: Log;
};

/** What an attempt gives when Redis did not answer, refused, or is not configured. */
export const unreached: unique symbol = Symbol("redis did not answer");

export type SharedRedis = {
  /** Runs `work`; whatever goes wrong in it is {@link unreached}. */
  attempt<T>(work: (redis: Redis) => Promise<T>): Promise<T | typeof unreached>;
};

/** One slow answer is not an outage; three in a row are. */
const FAILURES = 3;
const REST_MS = 1_000;

export function openRedis({ url, token, timeoutMs, log }: RedisOptions): SharedRedis {
  if (!url) return { attempt: async () => unreached };
  const redis = new Redis({
    url,
    token: token ?? "",
    // The client's own retries take seconds on a dead host; who asks has another way at once.
    retry: { retries: 0 },
    // A function: a signal itself would end all later requests too.
    signal: () => AbortSignal.timeout(timeoutMs),
    enableAutoPipelining: true,
    enableTelemetry: false,
  });
  let failuresInARow = 0;
  let restUntil = 0;
  return {
    async attempt(work) {
      if (performance.now() < restUntil) return unreached;
      try {
        const result = await work(redis);
        if (failuresInARow >= FAILURES) log.info("redis answers again");
        failuresInARow = 0;
        return result;
      } catch (error) {
        if (++failuresInARow >= FAILURES) restUntil = performance.now() + REST_MS;
        if (failuresInARow === FAILURES)
          log.warn({ err: error }, "redis does not answer; going on without it");
        return unreached;
      }
    },
  };
}
