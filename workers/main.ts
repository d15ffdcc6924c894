/** A worker process: serves the kinds of one priority (`TRADEWIND_POOL`) until SIGTERM, then drains. */
import { openBus, type Priority, priorities } from "../bus/index.ts";
import { systemClock } from "../platform/clock.ts";
import { ConfigError, loadConfig, required } from "../platform/config.ts";
import { giveBackAtRest } from "../platform/footprint.ts";
import { createLog, flushLog } from "../platform/log.ts";
import { createMetrics } from "../platform/metrics.ts";
import { connect } from "../platform/postgres/index.ts";
import { tellReady } from "../platform/ready-file.ts";
import { openTracer } from "../platform/tracing/index.ts";
import { jobs } from "./jobs/index.ts";
import { watchMemory } from "./memory.ts";
import { startPool } from "./pool.ts";

/** What remains of the drain time for settling and closing before the supervisor kills. */
const CLOSING_MS = 3_000;

const config = loadConfig(process.env);
const priority = config.pool as Priority;
if (!priorities.includes(priority))
  throw new ConfigError(`TRADEWIND_POOL must be one of ${priorities.join(", ")}`);
const name = config.processName || `worker-${priority}`;
const log = createLog({ level: config.logLevel, process: name, channel: "workers" });
const tracer = openTracer(config, name, log);
const sql = connect(required(config, "databaseUrl"), { max: config.databasePool, application: name, tracer });
const metrics = createMetrics(name);
const bus = openBus({
  url: required(config, "natsUrl"),
  name,
  log,
  sql,
  metrics,
  replicas: config.natsReplicas,
});
const pool = await startPool({ config, sql, log, clock: systemClock, metrics, bus, tracer, priority, jobs });
log.info({ worker: pool.worker, priority }, "pool process is working");
tellReady(config);
// What starting left behind is a tenth of an idle process.
Bun.gc(true);
giveBackAtRest();

// A forgotten promise is a defect, but no reason to end the work of the other jobs.
process.on("unhandledRejection", error => log.error({ err: error }, "unhandled rejection"));

const memory = watchMemory({
  limitMb: { high: config.highMemoryMb, normal: config.normalMemoryMb, low: config.lowMemoryMb }[priority],
  onOver: rssMb => void leave(`${rssMb} MB of memory`, config.retireSeconds),
});

/** A later call may only shorten the time that running jobs have. */
async function leave(reason: string, seconds: number): Promise<void> {
  memory.stop();
  log.info({ reason, held: pool.held }, "draining");
  await pool.drain(Math.max(1_000, seconds * 1_000 - CLOSING_MS));
  if (left) return;
  left = true;
  await bus.close();
  await Promise.all([sql.end({ timeout: 2 }), tracer.close()]);
  log.info("left");
  await flushLog(log);
  process.exit(0);
}
let left = false;
process.on("SIGTERM", () => void leave("SIGTERM", config.drainSeconds));
process.on("SIGINT", () => void leave("SIGINT", config.drainSeconds));
// From the supervisor: another process has this one's place, and its jobs may take their time.
process.on("SIGUSR2", () => void leave("one too many", config.retireSeconds));
