/** The process: listens where UPSTASH_REDIS_REST_URL points, speaks to the Redis that the supervisor started. */
import { loadConfig, required } from "../../platform/config.ts";
import { giveBackAtRest } from "../../platform/footprint.ts";
import { createLog, flushLog } from "../../platform/log.ts";
import { serveRedisRest } from "./index.ts";

const config = loadConfig(process.env);
const log = createLog({ level: config.logLevel, process: config.processName || "redis-rest" });
const front = serveRedisRest({
  redisUrl: required(config, "embeddedRedisUrl"),
  token: required(config, "redisToken"),
  port: Number(new URL(required(config, "redisUrl")).port),
});
log.info({ port: front.port }, "listening");
giveBackAtRest();

const stop = async () => {
  await front.stop();
  log.info("stopped");
  await flushLog(log);
  process.exit(0);
};
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
