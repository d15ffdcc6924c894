/**
 * An API node. Listens on the shared port (`reusePort`: the kernel spreads new connections over the nodes of this host)
 * and on a loopback port of its own, both served by the same application. It listens when what it needs has answered
 * once, or after five seconds without: a node that joins running ones must not take requests that it can't serve yet,
 * and one that is alone must say what is away. Its own port is shared too, with the node that it succeeds.
 *
 * Drain, on SIGTERM or SIGINT: (1) readiness off, so that balancers look elsewhere; (2) for 500 ms every answer carries
 * `Connection: close`, so that clients that hold connections leave on their own (SIGUSR2, a successor listens already: for
 * 1.5 s, and the rarer callers hear of it too); streams of events end; (3) the listeners stop (leave.ts) and what runs is
 * finished, for at most the configured time; (4) connections are closed. A second signal ends the process at once. A
 * kill at any step loses no accepted work: it is in Postgres before a request is answered.
 */
import { openBus } from "../../bus/index.ts";
import { systemClock } from "../../platform/clock.ts";
import { type Config, ConfigError, loadConfig, required } from "../../platform/config.ts";
import { COLLECT_FRONT_MS, giveBackAtRest } from "../../platform/footprint.ts";
import { createLog, flushLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import { connect } from "../../platform/postgres/index.ts";
import { tellReady } from "../../platform/ready-file.ts";
import { openTracer } from "../../platform/tracing/index.ts";
import { compileRoutes, createApp } from "./app.ts";
import { cacheOf } from "./cache/index.ts";
import { warmUpOf } from "./cache/warm-up.ts";
import { accessLogOf } from "./http/access-log.ts";
import { hotAnswersOf } from "./http/hot-answers.ts";
import { hotFilesOf } from "./http/hot-files.ts";
import { watchLife } from "./http/lifesign.ts";
import { listen, peerOf } from "./http/listen.ts";
import { patiently } from "./http/patience.ts";
import { replicasOf, requestLogOf } from "./http/per-node.ts";
import { stopWithin } from "./leave.ts";
import { createReadiness } from "./readiness.ts";
import { searchOf } from "./routes/store/search.ts";

const GOODBYE_MS = 500;
const SUCCEEDED_MS = 1_500;
const ALONE_MS = 5_000;
const PROBE_MS = 50;

function readConfig(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`tradewind: ${error.message}`);
    process.exit(2);
  }
}

/** Whether the path begins as those of pictures do. */
const isFile = (url: string) => url.startsWith("/media/", url.indexOf("/", "https://".length));

async function main(): Promise<void> {
  const config = readConfig();
  const name = config.processName || `api-${process.pid}`;
  const log = createLog({ level: config.logLevel, process: name });
  const tracer = openTracer(config, name, log);
  const sql = connect(required(config, "databaseUrl"), {
    max: config.databasePool,
    application: name,
    tracer,
  });
  const signs = connect(required(config, "databaseUrl"), { max: 1, application: `${name} signs` });
  const metrics = createMetrics(name);
  const natsUrl = required(config, "natsUrl");
  const bus = openBus({ url: natsUrl, name, log, sql, metrics, replicas: config.natsReplicas });
  const leaving = new AbortController();
  const drain = { active: false, signal: leaving.signal };
  const deps = { config, sql, signs, log, clock: systemClock, metrics, bus, tracer, drain, peerOf };
  const app = createApp(deps);
  const [files, answers] = [hotFilesOf(deps), hotAnswersOf(deps)];
  const options = {
    ...config,
    fetch: patiently(
      app.fetch,
      watchLife(sql, () => signs`SELECT 1`.then(() => {})),
    ),
    known: (request: Request) => (isFile(request.url) ? files : answers).answer(request),
  };
  // A forgotten promise is a defect, but no reason to cut off the requests of everybody else.
  process.on("unhandledRejection", error => log.error({ err: error }, "unhandled rejection"));
  const warmUp = warmUpOf(deps);
  const lookups = warmUp.lookups();
  await untilServing(createReadiness(deps));
  const servers = [
    listen(options, { port: config.port, reusePort: true }),
    listen(options, { port: config.nodePort, hostname: "127.0.0.1", reusePort: config.nodePort > 0 }),
  ];
  log.info({ port: servers[0]!.port, nodePort: servers[1]!.port }, "listening");
  tellReady(config);
  void lookups.then(async looked => {
    await compileRoutes(app);
    log.info({ lookups: looked, popular: await warmUp.popular() }, "warmed");
    giveBackAtRest(COLLECT_FRONT_MS);
  });

  const leave = async (signal: string) => {
    if (drain.active) process.exit(1);
    drain.active = true;
    log.info({ signal }, "draining");
    leaving.abort();
    await Bun.sleep(signal === "SIGUSR2" ? SUCCEEDED_MS : GOODBYE_MS);
    await stopWithin(config.drainSeconds * 1_000, servers, log);
    cacheOf(deps).stop();
    replicasOf(deps)?.stop();
    await Promise.all([requestLogOf(deps).flush(), searchOf(deps).counter.flush()]);
    await Promise.allSettled([
      bus.close(),
      sql.end({ timeout: 5 }),
      signs.end({ timeout: 1 }),
      tracer.close(),
    ]);
    log.info("stopped");
    accessLogOf(deps).flush();
    await flushLog(log);
    process.exit(0);
  };
  process.on("SIGTERM", () => void leave("SIGTERM"));
  process.on("SIGINT", () => void leave("SIGINT"));
  // From the supervisor: a successor is there.
  process.on("SIGUSR2", () => void leave("SIGUSR2"));
}

async function untilServing(readiness: ReturnType<typeof createReadiness>): Promise<void> {
  for (const since = Date.now(); Date.now() - since < ALONE_MS; await Bun.sleep(PROBE_MS))
    if ((await readiness()).ready) return;
}

await main();
