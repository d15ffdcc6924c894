/** A keeper process: relay, projections, sweeps, alerts and the autoscaler, until SIGTERM. */
import { hostname } from "node:os";
import { openBus, openLeadership } from "../../bus/index.ts";
import { startAllocators } from "../../commerce/checkout/index.ts";
import { systemClock } from "../../platform/clock.ts";
import { loadConfig, required } from "../../platform/config.ts";
import { giveBackAtRest } from "../../platform/footprint.ts";
import { createLog, flushLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import { connect } from "../../platform/postgres/index.ts";
import { tellReady } from "../../platform/ready-file.ts";
import { Replicas } from "../../platform/replicas/index.ts";
import { alertChores } from "./alerts/index.ts";
import { policyOf, startAutoscaler } from "./autoscaler/index.ts";
import { chores } from "./chores.ts";
import { keepGauges } from "./gauges.ts";
import { startKeeper } from "./keeper.ts";

const config = loadConfig(process.env);
const name = config.processName || "keeper";
const log = createLog({ level: config.logLevel, process: name });
const sql = connect(required(config, "databaseUrl"), { max: config.databasePool, application: name });
const metrics = createMetrics(name);
const clock = systemClock;
const bus = openBus({
  url: required(config, "natsUrl"),
  name,
  log,
  sql,
  metrics,
  replicas: config.natsReplicas,
});
const allocators = startAllocators({ sql, bus, log, holdMs: config.reservationSeconds * 1_000 });
const leadership = openLeadership({
  databaseUrl: required(config, "databaseUrl"),
  name: "alerts",
  holder: name,
});
const webhook = config.alertWebhook
  ? { url: config.alertWebhook, allowPrivate: config.alertWebhookPrivate, consoleUrl: config.publicUrl }
  : null;
const urls = config.databaseReplicaUrls;
const watched =
  urls.length > 0 ? new Replicas({ ...{ urls, sql, log, metrics, max: 1 }, application: name }) : null;
keepGauges({
  bus,
  sql,
  log,
  metrics,
  replicas: watched,
  targetAgeSeconds: {
    high: config.highTargetSeconds,
    normal: config.normalTargetSeconds,
    low: config.lowTargetSeconds,
  },
  memoryLimitMb: { high: config.highMemoryMb, normal: config.normalMemoryMb, low: config.lowMemoryMb },
});
const keeper = await startKeeper({
  bus,
  sql,
  log,
  clock,
  metrics,
  chores: [...chores({ config, sql, log, bus }), ...alertChores({ bus, sql, log, leadership, webhook })],
});
const autoscaler = startAutoscaler({
  bus,
  databaseUrl: required(config, "databaseUrl"),
  policy: policyOf(config),
  log,
  clock,
  name: `${hostname()} ${name} ${process.pid}`,
});
log.info("keeper is working");
tellReady(config);
giveBackAtRest();

// A forgotten promise is a defect, but no reason to end the work of the other chores.
process.on("unhandledRejection", error => log.error({ err: error }, "unhandled rejection"));

let stopping = false;
async function stop(signal: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  log.info({ signal }, "leaving");
  await Promise.all([keeper.stop(), allocators.stop(), autoscaler.stop()]);
  await bus.close();
  await leadership.close();
  watched?.stop();
  await sql.end({ timeout: 2 });
  await flushLog(log);
  process.exit(0);
}
process.on("SIGTERM", () => void stop("SIGTERM"));
process.on("SIGINT", () => void stop("SIGINT"));
