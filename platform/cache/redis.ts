/**
 * The layer that all nodes share, in Redis. An entry holds the versions of its tags as they were when it was written, and is
 * given only while they are the same.
 *
 * | key            | holds                                                                                        |
 * | -------------- | -------------------------------------------------------------------------------------------- |
 * | `tw:c`         | `e`: a random word that is another one after a wipe; `n`: how many invalidations there were    |
 * | `tw:t:{tag}`   | its version, `<n of its last invalidation>.<random>`                                           |
 * | `tw:e:{key}`   | an entry                                                                                     |
 * | `tw:l:{key}`   | who is making it, for at most {@link LOCK_MS}                                                  |
 *
 * A fence is `e` and `n` as they were before the database was read. Writing is refused when `e` is another one (an
 * invalidation may have been wiped) or a tag's last invalidation is later than `n`. Each step is one script, so that nothing
 * comes between its reads and its writes. Versions are random, so those made after a wipe, or in place of one that was
 * evicted, match no entry that is older.
 */
import type { Redis } from "@upstash/redis";
import { type SharedRedis, unreached } from "../redis/index.ts";
import { type Entry, type Fence, type Layer, type Look, type Mark, shortened } from "./layer.ts";

const LOCK_MS = 3_000;
/** Longer than any entry lives: a version that lapses only makes entries old. */
const VERSION_MS = 86_400_000;
/** Tags of one script. */
const CHUNK = 500;

const clock = (prefix: string) => `
local function clock(word)
  local c = redis.call('HMGET', '${prefix}:c', 'e', 'n')
  if not c[1] then
    redis.call('HSET', '${prefix}:c', 'e', word, 'n', 0)
    c = { word, '0' }
  end
  return c
end
local function versions(tags)
  local keys = {}
  for i = 1, #tags do keys[i] = '${prefix}:t:' .. tags[i] end
  if #keys == 0 then return {} end
  return redis.call('MGET', unpack(keys))
end
local function micros()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end`;

/** KEYS: entry, lock. ARGV: a random word, lock's life. Texts come back behind `=`, else the client would parse them. */
const look = (prefix: string) => `${clock(prefix)}
local c = clock(ARGV[1])
local e = redis.call('HMGET', KEYS[1], 'text', 'tags', 'versions', 'meta', 'at', 'e')
if e[1] and e[6] == c[1] then
  local known, current, same = cjson.decode(e[3]), versions(cjson.decode(e[2])), true
  for i = 1, #known do if known[i] ~= current[i] then same = false end end
  if same then
    return { '=' .. c[1], c[2], 1, '=' .. e[1], e[2], e[4], string.format('%.0f', (micros() - e[5]) / 1000) }
  end
end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return { '=' .. c[1], c[2], 0, 1 } end
return { '=' .. c[1], c[2], 0, 0 }`;

/** ARGV: a random word. */
const mark = (prefix: string) => `${clock(prefix)}
local c = clock(ARGV[1])
return { '=' .. c[1], c[2] }`;

/** KEYS: entry, lock. ARGV: word of the look, e, n, text, tags, meta, life of the entry, life of a version. */
const put = (prefix: string) => `${clock(prefix)}
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
if clock(ARGV[1])[1] ~= ARGV[2] then return 0 end
local tags, fresh = cjson.decode(ARGV[5]), {}
local known = versions(tags)
for i = 1, #tags do
  if not known[i] then
    known[i] = '0.' .. ARGV[1] .. i
    fresh[#fresh + 1] = i
  elseif tonumber(string.match(known[i], '^%d+')) > tonumber(ARGV[3]) then return 0 end
end
for _, i in ipairs(fresh) do redis.call('SET', '${prefix}:t:' .. tags[i], known[i], 'PX', ARGV[8]) end
redis.call('HSET', KEYS[1], 'text', ARGV[4], 'tags', ARGV[5], 'versions', #tags == 0 and '[]' or cjson.encode(known),
  'meta', ARGV[6], 'at', string.format('%.0f', micros()), 'e', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
return 1`;

/** KEYS: entry, lock. ARGV: word of the look. */
const RELEASE = `if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1`;

/** ARGV: a random word, life of a version, tags. */
const invalidate = (prefix: string) => `${clock(prefix)}
clock(ARGV[1])
local n = redis.call('HINCRBY', '${prefix}:c', 'n', 1)
for i = 3, #ARGV do redis.call('SET', '${prefix}:t:' .. ARGV[i], n .. '.' .. ARGV[1], 'PX', ARGV[2]) end
return n`;

/** Makes every entry old at once, whatever became of it. ARGV: a random word. */
const renew = (prefix: string) => `redis.call('HSET', '${prefix}:c', 'e', ARGV[1])
return 1`;

type RedisMark = { readonly epoch: string; readonly number: number };
type RedisFence = RedisMark & { readonly word: string };
type Meta = Pick<Entry, "freshMs" | "staleMs" | "costMs">;
type LookReply =
  | [epoch: string, number: number, hit: 1, text: string, tags: string[], meta: Meta, ageMs: number]
  | [epoch: string, number: number, hit: 0, lead: 0 | 1];

const word = () => `w${crypto.randomUUID()}`;

export type RedisLayer = Layer & {
  /** Makes everything old. False: not reached. */
  renew(): Promise<boolean>;
};

/** `prefix`: of all keys; tests have one of their own. */
export function openRedisLayer(redis: SharedRedis, prefix = "tw"): RedisLayer {
  const scripts = {
    look: look(prefix),
    mark: mark(prefix),
    put: put(prefix),
    invalidate: invalidate(prefix),
    renew: renew(prefix),
  };
  const keysOf = (key: string) => [`${prefix}:e:${shortened(key)}`, `${prefix}:l:${shortened(key)}`];
  const run = <T>(script: string, keys: string[], args: (string | number)[]) =>
    redis.attempt((client: Redis) => client.eval<(string | number)[], T>(script, keys, args));
  return {
    async look(key): Promise<Look> {
      const mine = word();
      const reply = await run<LookReply>(scripts.look, keysOf(key), [mine, LOCK_MS]);
      if (reply === unreached) return { found: null, fence: null, lead: true };
      const fence: RedisFence = { word: mine, epoch: reply[0].slice(1), number: reply[1] };
      if (reply[2] === 0) return { found: null, fence, lead: reply[3] === 1 };
      const [, , , text, tags, meta, ageMs] = reply;
      const entry = { text: text.slice(1), tags: Array.isArray(tags) ? tags : [], ...meta };
      return { found: ageMs < meta.staleMs ? { entry, ageMs } : null, fence, lead: true };
    },
    async mark(): Promise<RedisMark | null> {
      const reply = await run<[epoch: string, number: number]>(scripts.mark, [], [word()]);
      return reply === unreached ? null : { epoch: reply[0].slice(1), number: reply[1] };
    },
    async put(key, { text, tags, ...meta }, fence: Fence, since?: Mark) {
      const { word: mine } = fence as RedisFence;
      const { epoch, number } = (since ?? fence) as RedisMark;
      const lifeMs = Math.max(1, Math.ceil(meta.staleMs));
      const args = [mine, epoch, number, text, JSON.stringify(tags), JSON.stringify(meta)];
      return (await run<number>(scripts.put, keysOf(key), [...args, lifeMs, VERSION_MS])) === 1;
    },
    async release(key, fence) {
      await run<number>(RELEASE, keysOf(key), [(fence as RedisFence).word]);
    },
    async invalidate(tags) {
      for (let from = 0; from < tags.length; from += CHUNK) {
        const some = tags.slice(from, from + CHUNK);
        if ((await run(scripts.invalidate, [], [word(), VERSION_MS, ...some])) === unreached) return false;
      }
      return true;
    },
    renew: async () => (await run(scripts.renew, [], [word()])) !== unreached,
  };
}
