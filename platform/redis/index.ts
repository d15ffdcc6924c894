/**
 * The shared Redis over REST: what nodes want to know of each other soon (sessions, rate limits), and never the truth.
 * Production: Upstash or a compatible front; a stack of our own: apps/redis-rest.
 *
 * Always holds: a call never throws and never waits longer than its time-out. Whoever asks says what happens when
 * there is no answer ({@link unreached}): Postgres, or this process alone. After some failures in a row nobody asks for
 * a second, so that a dead Redis costs nothing.
 */

export { openRedis, type RedisOptions, type SharedRedis, unreached } from "./redis.ts";
