/**
 * GCRA, the generic cell rate algorithm (ITU-T I.371, annex A, as virtual scheduling): a sliding limit of `quota` requests
 * in `windowMs` that needs one number a bucket, the "theoretical arrival time" (TAT) of the next request if all came evenly.
 * A request may come up to one window before its TAT; each one moves it on by window ÷ quota.
 *
 * Several buckets are taken at once or not at all: a request that one of them refuses costs nothing in the others. The
 * same steps run in Redis (one script, by Redis's own clock, so that all nodes agree) and, while it is away, in this
 * process alone; then N nodes together let N times as much through, which is more than asked for and far from nothing.
 */
import type { Redis } from "@upstash/redis";
import { type SharedRedis, unreached } from "../../../platform/redis/index.ts";

export type Bucket = {
  readonly key: string;
  readonly quota: number;
  readonly windowMs: number;
  /** Counted by each node for itself, where a limiter tells the others later (gcra.deferred.ts). */
  readonly alone?: boolean;
};

/** Times from now, in microseconds. `waitUs`: until the next request may come; `resetUs`: until the whole quota is there. */
export type Level = { readonly remaining: number; readonly resetUs: number; readonly waitUs: number };

export type Taken = { readonly allowed: boolean; readonly levels: readonly Level[] };

export type Limiter = { take(buckets: readonly Bucket[]): Promise<Taken> };

/** Buckets remembered while Redis is away; the ones that were longest unused go first. Some 4 MB. */
const MAX_LOCAL = 20_000;

/** Whole microseconds: sums stay exact in a double, here and in Lua. */
export const intervalUs = ({ quota, windowMs }: Bucket) =>
  Math.max(1, Math.floor((windowMs * 1_000) / quota));

/** KEYS: buckets. ARGV: interval and window of each, µs. Gives allowed, then remaining, reset and wait of each. */
const SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local tats, allowed = {}, 1
for i = 1, #KEYS do
  tats[i] = math.max(tonumber(redis.call('GET', KEYS[i]) or now), now)
  if tats[i] + ARGV[2 * i - 1] - ARGV[2 * i] > now then allowed = 0 end
end
local answer = { allowed }
for i = 1, #KEYS do
  local interval, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  if allowed == 1 then
    tats[i] = tats[i] + interval
    redis.call('SET', KEYS[i], string.format('%.0f', tats[i]), 'PX', math.ceil((tats[i] - now) / 1000) + 1)
  end
  answer[#answer + 1] = math.max(math.floor((window - (tats[i] - now)) / interval), 0)
  answer[#answer + 1] = tats[i] - now
  answer[#answer + 1] = math.max(tats[i] + interval - window - now, 0)
end
return answer`;

async function takeShared(redis: Redis, buckets: readonly Bucket[]): Promise<Taken> {
  const parameters = buckets.flatMap(bucket => [intervalUs(bucket), bucket.windowMs * 1_000]);
  const keys = buckets.map(redisKey);
  const [allowed, ...numbers] = await redis.eval<number[], number[]>(SCRIPT, keys, parameters);
  const levels = buckets.map((_, i) => {
    const [remaining = 0, resetUs = 0, waitUs = 0] = numbers.slice(3 * i, 3 * i + 3);
    return { remaining, resetUs, waitUs };
  });
  return { allowed: allowed === 1, levels };
}

/** The same steps in this process. `nowUs` is monotonic. */
export function createLocalLimiter(nowUs: () => number, max = MAX_LOCAL) {
  // Two generations: when the young one holds half of what may be remembered it becomes the old one, whose rest is forgotten.
  // (Taking the longest unused out of one Map for each new one cost a tenth of a checkout.)
  let young = new Map<string, number>();
  let old = new Map<string, number>();
  const tatOf = (key: string) => young.get(key) ?? old.get(key);
  const remember = (key: string, tat: number) => {
    young.set(key, tat);
    if (young.size < max / 2) return;
    old = young;
    young = new Map();
  };
  return {
    /** At least what is remembered, at most `max`. */
    get size() {
      return young.size + old.size;
    },
    take(buckets: readonly Bucket[]): Taken {
      const now = nowUs();
      const before = buckets.map(({ key }) => Math.max(tatOf(key) ?? now, now));
      const allowed = buckets.every(
        (bucket, i) => before[i]! + intervalUs(bucket) - bucket.windowMs * 1_000 <= now,
      );
      const levels = buckets.map((bucket, i) => {
        const [interval, window] = [intervalUs(bucket), bucket.windowMs * 1_000];
        const tat = before[i]! + (allowed ? interval : 0);
        if (allowed) remember(bucket.key, tat);
        return {
          remaining: Math.max(Math.floor((window - (tat - now)) / interval), 0),
          resetUs: tat - now,
          waitUs: Math.max(tat + interval - window - now, 0),
        };
      });
      return { allowed, levels };
    },
    /** Somebody else knows that the bucket is used up `aheadUs` into the future. */
    learn({ key }: Bucket, aheadUs: number): void {
      const tat = nowUs() + aheadUs;
      const known = tatOf(key);
      if (known !== undefined && known < tat) remember(key, tat);
    },
  };
}

export const monotonicUs = () => Math.round(performance.now() * 1_000);

export const redisKey = ({ key }: Bucket) => `tradewind:limit:${key}`;

export function createLimiter(redis: SharedRedis): Limiter {
  const local = createLocalLimiter(monotonicUs);
  return {
    async take(buckets) {
      const taken = await redis.attempt(client => takeShared(client, buckets));
      return taken === unreached ? local.take(buckets) : taken;
    },
  };
}
