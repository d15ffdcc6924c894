/**
 * The REST front of the embedded Redis, so that one client (`@upstash/redis`) serves the laptop and production. Not
 * meant for production: there Upstash or serverless-redis-http stand in its place.
 */
export { type RedisRest, serveRedisRest } from "./server.ts";
