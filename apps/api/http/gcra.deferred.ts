/**
 * GCRA (gcra.ts) for routes that are asked thousands of times a second: a request is decided by what this process knows, and
 * what was taken is told to Redis every {@link FLUSH_MS}, all buckets in one script, which answers with what the other nodes
 * have taken. A node is wrong for at most that long: over a limit by what came to it meanwhile, never under it.
 *
 * Asked for each request, Redis over REST would cost a checkout more than its own statement does, and bound the node to some
 * 10,000 a second. While Redis is away each process goes on by itself; what could not be told is forgotten.
 */
import type { Redis } from "@upstash/redis";
import type { SharedRedis } from "../../../platform/redis/index.ts";
import { type Bucket, createLocalLimiter, intervalUs, type Limiter, monotonicUs, redisKey } from "./gcra.ts";

const FLUSH_MS = 50;
/** Buckets a script takes at most: it holds Redis for some milliseconds. */
const CHUNK = 500;

/** KEYS: buckets. ARGV: what was taken of each and its window, µs. Gives how far ahead of now each TAT is then. */
const SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answer = {}
for i = 1, #KEYS do
  local taken, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local tat = math.max(tonumber(redis.call('GET', KEYS[i]) or now), now) + taken
  tat = math.min(tat, now + 2 * window)
  redis.call('SET', KEYS[i], string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000) + 1)
  answer[i] = tat - now
end
return answer`;

type Pending = { readonly bucket: Bucket; count: number };

export function createDeferredLimiter(redis: SharedRedis): Limiter {
  const local = createLocalLimiter(monotonicUs);
  let pending = new Map<string, Pending>();
  let flushing = false;

  const tell = async (client: Redis, part: Pending[]) => {
    const parameters = part.flatMap(({ bucket, count }) => [
      count * intervalUs(bucket),
      bucket.windowMs * 1_000,
    ]);
    const ahead = await client.eval<number[], number[]>(
      SCRIPT,
      part.map(({ bucket }) => redisKey(bucket)),
      parameters,
    );
    for (const [i, { bucket }] of part.entries()) {
      const since = (pending.get(bucket.key)?.count ?? 0) * intervalUs(bucket);
      local.learn(bucket, ahead[i]! + since);
    }
  };

  const flush = async () => {
    const told = [...pending.values()];
    pending = new Map();
    for (let from = 0; from < told.length; from += CHUNK) {
      await redis.attempt(client => tell(client, told.slice(from, from + CHUNK)));
    }
    flushing = false;
    if (pending.size > 0) schedule();
  };

  const schedule = () => {
    flushing = true;
    setTimeout(() => void flush(), FLUSH_MS).unref();
  };

  return {
    async take(buckets) {
      const taken = local.take(buckets);
      if (!taken.allowed) return taken;
      for (const bucket of buckets) {
        if (bucket.alone) continue;
        const known = pending.get(bucket.key);
        if (known) known.count++;
        else pending.set(bucket.key, { bucket, count: 1 });
      }
      if (!flushing && pending.size > 0) schedule();
      return taken;
    },
  };
}
