/**
 * The embedded servers: each finds its binary, starts on a free loopback port with a given secret, and is ready when
 * the call returns. See server.ts for what they have in common.
 */
export { startMeilisearch } from "./meilisearch.ts";
export { jetStreamFolder, natsIsWell, startNats } from "./nats.ts";
export { startPostgres } from "./postgres.ts";
export { startRedis } from "./redis.ts";
export {
  type RunningServer,
  type ServerContext,
  ServerError,
  type ServerRecord,
} from "./server.ts";
